/** `If-Match` and `If-None-Match` as plain data, checked inside the object, in the transaction that decides. Pure. */
import { ok, type Result } from '../engine/index.ts'
import { type Failure, failed } from './failure.ts'

/** `match`: the versions named by `If-Match`; empty when none of its tags can be one of ours. `absent`: `If-None-Match: *`. */
export type Precondition = { readonly match: '*' | readonly number[] } | { readonly absent: true }

/** Holds if the thing's current version (`null`: it does not exist) is the one the caller means. */
export function checkPrecondition(
  precondition: Precondition,
  what: string,
  key: string,
  current: number | null,
): Result<null, Failure> {
  if ('absent' in precondition)
    return current === null ? ok(null) : failed({ reason: 'exists', what, key, current })
  const holds = current !== null && (precondition.match === '*' || precondition.match.includes(current))
  return holds ? ok(null) : failed({ reason: 'stale', what, key, current })
}
