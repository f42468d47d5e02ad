/** Where two JSON values differ. Order of keys does not count. Pure. */
import { child, isObject, type Path, showPath } from '../../../engine/check.ts'

/** JSONPath of the first difference, or null. */
export function differenceOf(one: unknown, other: unknown, path: Path = null): string | null {
  if (Array.isArray(one) && Array.isArray(other)) {
    if (one.length !== other.length) return showPath(path)
    return firstOf(one.map((item, at) => () => differenceOf(item, other[at], child(path, at))))
  }
  if (isObject(one) && isObject(other)) {
    const keys = new Set([...Object.keys(one), ...Object.keys(other)])
    return firstOf(
      [...keys].map((key) => () => differenceOf(own(one, key), own(other, key), child(path, key))),
    )
  }
  return one === other ? null : showPath(path)
}

const own = (map: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(map, key) ? map[key] : undefined

function firstOf(questions: readonly (() => string | null)[]): string | null {
  for (const ask of questions) {
    const answer = ask()
    if (answer !== null) return answer
  }
  return null
}
