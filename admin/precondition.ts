/** `If-Match` and `If-None-Match` as plain data, checked inside the object, in the transaction that decides. Pure. */
import { ok, type Result } from '../engine/index.ts'
import { type Failure, failed } from './failure.ts'

/** `*`, or the versions that a header names; empty when none of its tags can be one of ours. */
type Tags = '*' | readonly number[]

/** What a request sent of the two; both have to hold if both are there (RFC 9110 §13.2.2). */
export interface Precondition {
  readonly match?: Tags
  readonly noneMatch?: Tags
}

/** Holds if the thing's current version (`null`: it does not exist) is one that the caller means. */
export function checkPrecondition(
  { match, noneMatch }: Precondition,
  what: string,
  key: string,
  current: number | null,
): Result<null, Failure> {
  if (match !== undefined && !isNamed(match, current)) return failed({ reason: 'stale', what, key, current })
  if (noneMatch !== undefined && current !== null && isNamed(noneMatch, current))
    return failed({ reason: 'exists', what, key, current })
  return ok(null)
}

const isNamed = (tags: Tags, current: number | null): boolean =>
  current !== null && (tags === '*' || tags.includes(current))
