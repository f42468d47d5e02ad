/** Takes back a merge patch of a flag that was made a while ago, but for what somebody has changed since. Pure. */
import { isObject } from '../../engine/check.ts'
import { patched } from '../edit.ts'
import { sameJson } from '../governance/same-json.ts'

export interface TakenBack {
  /** What the flag becomes; `undefined`: there is none. */
  readonly flag: unknown
  /** Fields that were changed since, or `null` for the flag as a whole: they stay. */
  readonly kept: readonly (string | null)[]
}

/** `before` and `now`: the flag as written before the patch was made, and as it is; `undefined`: there was, or is, none. */
export function takeBack(patch: unknown, before: unknown, now: unknown): TakenBack {
  const made = patch === null ? undefined : patched('flag', before, patch)
  if (sameJson(made, now)) return { flag: before, kept: [] }
  if (!isObject(patch) || !isObject(made) || !isObject(now) || before === undefined)
    return { flag: now, kept: [null] }
  // Of a bare flag only the switch was there: a patch made an object of it.
  const was = isObject(before) ? before : (patched('flag', before, {}) as Record<string, unknown>)
  const fields = new Map(Object.entries(now))
  const kept: string[] = []
  for (const name of Object.keys(patch)) {
    if (!sameJson(own(made, name), own(now, name))) kept.push(name)
    else if (Object.hasOwn(was, name)) fields.set(name, was[name])
    else fields.delete(name)
  }
  return { flag: Object.fromEntries(fields), kept }
}

const own = (object: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined
