/** What webhooks tell of: an entry of the audit log, or something in that form, and what people and receivers call it. Pure. */
import type { AuditEntry } from '../audit/entry.ts'
import type { Author } from '../settings.ts'
import { contentHash } from '../storage/content-hash.ts'

/** An entry with its hashes, as the audit log shows it. */
export interface AuditEvent extends AuditEntry {
  readonly previousHash: string
  /** Names this entry and all before it: 64 hexadecimal digits. */
  readonly hash: string
}

/**
 * The same for every delivery of an event, to whomever and however often. It comes from the hash and not from the number,
 * because an environment restored from a backup uses numbers again; and it has no dot, which the signature needs.
 */
export const eventId = ({ hash }: Pick<AuditEvent, 'hash'>): string => `evt_${hash.slice(0, 32)}`

/** An event that tells of nothing. `nonce`: never used before. */
export const testEvent = (webhook: string, author: Author, nonce: string, at: Date): AuditEvent => ({
  seq: 0,
  at: at.toISOString(),
  environment: null,
  action: 'webhook.test',
  subject: `webhook:${webhook}`,
  actor: author.actor,
  reason: author.reason,
  requestId: author.requestId,
  address: author.address,
  version: null,
  kills: null,
  changes: [],
  changeCount: 0,
  details: {},
  previousHash: contentHash(''),
  hash: contentHash(nonce),
})

/** Longest JSON text of an event, in characters: receivers want messages, not documents. */
export const MAX_EVENT_LENGTH = 64 * 1024
/** What is left of a larger one: so many changes by name, characters of a detail, and items of a detail that is a list. */
const MAX_NAMED_CHANGES = 100
const MAX_DETAIL_LENGTH = 200
const MAX_DETAIL_ITEMS = 20

/** A large event without its patches, and with the names of its first changes and the start of its details only; the audit log has all. */
export function slim(event: AuditEvent): AuditEvent {
  if (JSON.stringify(event).length <= MAX_EVENT_LENGTH) return event
  const changes = event.changes.slice(0, MAX_NAMED_CHANGES).map(({ subject }) => ({ subject, patch: null }))
  const details = Object.entries(event.details).map(([name, value]) => [name, startOf(value)] as const)
  return { ...event, changes, details: Object.fromEntries(details) }
}

type Detail = AuditEvent['details'][string]

function startOf(detail: Detail): Detail {
  if (typeof detail === 'string') return cut(detail)
  return typeof detail === 'object' && detail !== null ? detail.slice(0, MAX_DETAIL_ITEMS).map(cut) : detail
}

const cut = (text: string): string =>
  text.length > MAX_DETAIL_LENGTH ? `${text.slice(0, MAX_DETAIL_LENGTH)}…` : text

/** `kill.placed` of `kill:flag:beta` → `Kill placed: flag:beta`. */
export function titleOf({ action, subject }: Pick<AuditEvent, 'action' | 'subject'>): string {
  const words = action.replaceAll(/[._-]+/g, ' ')
  const noun = `${action.split('.')[0]}:`
  const what = subject.startsWith(noun) ? subject.slice(noun.length) : subject
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}: ${what}`
}

/** One line: what happened, where, by whom and why. */
export function summaryOf(event: AuditEvent): string {
  const { environment, actor, reason } = event
  const why = reason === null ? '' : ` (${reason})`
  return `${titleOf(event)} in ${placeOf(environment)} by ${actor}${why}`
}

export const placeOf = (environment: string | null): string => environment ?? 'the control plane'
