/** How entries of an audit log hang together: each covers the hash of the one before it. Pure. */
import { contentHash } from '../storage/content-hash.ts'

/** What the first entry follows. */
export const FIRST_HASH = '0'.repeat(64)

/** `hash` = SHA-256 of the previous hash, a line feed, and the entry's text; lower-case hex. */
export const hashOf = (previousHash: string, text: string): string => contentHash(`${previousHash}\n${text}`)

export interface SealedEntry {
  /** JSON of the entry: what the hash is about, to the letter. */
  readonly text: string
  readonly previousHash: string
  readonly hash: string
}

/** Where a chain ends: number and hash of its last entry. */
export interface Head {
  readonly seq: number
  readonly hash: string
}

export const EMPTY_CHAIN: Head = { seq: 0, hash: FIRST_HASH }

/** Why an entry is not the next one after `head`, or `null`. `environment`: whose chain it is; `null`: the control plane's. */
export function misfit(
  { text, previousHash, hash }: SealedEntry,
  head: Head,
  environment: string | null,
): string | null {
  if (previousHash !== head.hash) return 'does not follow the entry before it'
  if (hash !== hashOf(previousHash, text)) return 'its text is not what was hashed'
  const said = objectIn(text)
  if (said?.seq !== head.seq + 1 || said.environment !== environment)
    return 'its text belongs to another place in a chain'
  return null
}

function objectIn(text: string): { seq?: unknown; environment?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
