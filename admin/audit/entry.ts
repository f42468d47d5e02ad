/**
 * Entries of the audit log. Each covers the hash of the one before it, so that nothing can be changed, left out or put
 * in between without the chain showing it. Pure.
 */
import { hashOf, type SealedEntry } from './chain.ts'
import type { ChangedEntity } from './change.ts'

/** One thing that happened. Never holds a secret. */
export interface AuditRecord {
  /** `flag.updated`, `kill.placed`, `token.created`, … */
  readonly action: string
  /** What it happened to: `flag:new-feature`, `kill:all-flags`, `document`, `token:ci`, … */
  readonly subject: string
  /** Who: `bootstrap`, `token:NAME`, an e-mail address, or `turnout` itself. */
  readonly actor: string
  readonly reason: string | null
  readonly requestId: string | null
  /** Address of the caller. */
  readonly address: string | null
  /** Version of the snapshot that holds it; `null`: it made none. */
  readonly version: number | null
  /** Version of the kill list that holds it; `null`: it made none. */
  readonly kills: number | null
  readonly changes: readonly ChangedEntity[]
  /** How many entities changed: `changes` may name fewer. */
  readonly changeCount: number
  /** What else there is to say: approvers, the entry that this one answers, … */
  readonly details: Readonly<Record<string, string | number | boolean | null | readonly string[]>>
}

/** As stored and as hashed, but for the hashes. */
export interface AuditEntry extends AuditRecord {
  /** From 1, without gaps, within its chain. */
  readonly seq: number
  /** RFC 3339 */
  readonly at: string
  /** Name of the environment; `null`: the control plane itself. */
  readonly environment: string | null
}

export function seal(entry: AuditEntry, previousHash: string): SealedEntry {
  const text = JSON.stringify(entry)
  return { text, previousHash, hash: hashOf(previousHash, text) }
}

/** JSON of an entry with its hashes, as people get it. */
export const shownEntry = ({ text, previousHash, hash }: SealedEntry): string =>
  `${text.slice(0, -1)},${JSON.stringify({ previousHash, hash }).slice(1)}`
