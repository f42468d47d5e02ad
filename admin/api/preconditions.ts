/** `If-Match` and `If-None-Match` (RFC 9110 §13): required for changes of what several people edit. */
import type { Precondition } from '../precondition.ts'
import { type ApiContext, etag } from './context.ts'
import { Problem } from './problem.ts'

const NEEDED = 'with the ETag you read (or "*"), or "If-None-Match: *" to create'

/** Throws 428 if the request has none that keeps it from overwriting what its sender has not seen. */
export function preconditionOf(c: ApiContext): Precondition {
  const match = tagsOf(c, 'if-match')
  const noneMatch = tagsOf(c, 'if-none-match')
  if (match === undefined && noneMatch !== '*')
    throw new Problem('precondition-required', `Send "If-Match" ${NEEDED}.`, [
      { path: 'if-match', message: `is required, ${NEEDED}` },
    ])
  return { ...(match === undefined ? {} : { match }), ...(noneMatch === undefined ? {} : { noneMatch }) }
}

/** What a header of the two names: `*`, or the versions of tags of ours; no other tag names anything that we have. */
function tagsOf(c: ApiContext, header: 'if-match' | 'if-none-match'): '*' | number[] | undefined {
  const text = c.req.header(header)?.trim() || undefined
  if (text === undefined || text === '*') return text
  if (/^v\d+$/.test(text)) {
    const message = `takes an ETag in its quotes: "${text}", not ${text}`
    throw new Problem('malformed', `"${NAMES[header]}" ${message}.`, [{ path: header, message }])
  }
  const tag = header === 'if-match' ? STRONG : WEAK
  return text.split(',').flatMap((each) => {
    const version = tag.exec(each)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
}

const NAMES = { 'if-match': 'If-Match', 'if-none-match': 'If-None-Match' }

/** `If-Match` compares strongly, `If-None-Match` weakly (RFC 9110 §8.8.3.2). */
const STRONG = /^\s*"v(\d{1,15})"\s*$/
const WEAK = /^\s*(?:W\/)?"v(\d{1,15})"\s*$/

/** Whether a GET may be answered 304: the caller holds that version. */
export function isHeld(c: ApiContext, version: number): boolean {
  const held = c.req.header('if-none-match')
  return held?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag(version)) ?? false
}
