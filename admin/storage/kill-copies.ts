/** Kills as they are copied to AWS: an array of `{ "target": …, "variant"?: … }`. Pure. */
import { isObject } from '../../engine/check.ts'
import { type CompileIssue, isKillTarget, type Kill } from '../../engine/index.ts'

/** Those that can be read; `errors` gets the others. */
export function readKillCopies(value: unknown, errors: CompileIssue[]): Kill[] {
  if (!Array.isArray(value)) {
    errors.push({ path: '$.kills', message: 'must be an array of kills' })
    return []
  }
  return value.flatMap((kill: unknown, at): Kill[] => {
    if (isObject(kill) && typeof kill.target === 'string' && isKillTarget(kill.target)) {
      const { target, variant } = kill
      if (variant === undefined) return [{ target }]
      if (typeof variant === 'string') return [{ target, variant }]
    }
    errors.push({
      path: `$.kills[${at}]`,
      message: 'must be { "target": …, "variant"?: … } with a kill target',
    })
    return []
  })
}
