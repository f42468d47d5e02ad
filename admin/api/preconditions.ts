/** `If-Match` and `If-None-Match` (RFC 9110 §13): required for changes of what several people edit. */
import type { Precondition } from '../precondition.ts'
import { type ApiContext, etag } from './context.ts'
import { Problem } from './problem.ts'

/** Throws 428 if the request has none. */
export function preconditionOf(c: ApiContext): Precondition {
  const match = c.req.header('if-match')
  if (match !== undefined && /^\s*v\d+\s*$/.test(match)) {
    throw new Problem(
      'malformed',
      `"If-Match" takes an ETag in its quotes: "${match.trim()}", not ${match.trim()}.`,
    )
  }
  if (match !== undefined) return { match: match.trim() === '*' ? '*' : versionsOf(match) }
  if (c.req.header('if-none-match')?.trim() === '*') return { absent: true }
  const detail = 'Send "If-Match" with the ETag you read (or "*"), or "If-None-Match: *" to create.'
  throw new Problem('precondition-required', detail)
}

/** The versions that strong tags of ours name; any other tag matches nothing. */
function versionsOf(header: string): number[] {
  return header.split(',').flatMap((tag) => {
    const version = /^\s*"v(\d{1,15})"\s*$/.exec(tag)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
}

/** Whether a GET may be answered 304: the caller holds that version. */
export function isHeld(c: ApiContext, version: number): boolean {
  const held = c.req.header('if-none-match')
  return held?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag(version)) ?? false
}
