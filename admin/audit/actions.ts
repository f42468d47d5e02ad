/** What can happen, by name: the actions of the audit log, and what webhooks tell besides. What each means: docs/api.md, "Actions". */

const SPLIT = ['switched', 'shifted', 'shifted-back'] as const

/** First word → what follows the dot. */
const WORDS = {
  flag: ['created', 'updated', 'deleted', 'enabled', 'disabled', ...SPLIT],
  segment: ['created', 'updated', 'deleted'],
  route: ['created', 'updated', 'deleted', ...SPLIT],
  flags: ['updated', 'promoted'],
  document: ['replaced', 'synced'],
  version: ['restored'],
  label: ['set', 'removed'],
  environment: ['created', 'updated', 'deleted', 'restored-from-backup'],
  epoch: ['raised'],
  kill: ['placed', 'lifted', 'expired', 'extended', 'recovered'],
  breaker: ['closed'],
  cache: ['purged'],
  approval: ['requested', 'approved', 'rejected', 'cancelled', 'stale', 'failed'],
  schedule: ['created', 'cancelled', 'failed', 'partly-reverted'],
  window: ['added', 'ended'],
  freeze: ['added', 'ended'],
  review: ['closed'],
  preview: ['minted', 'revoked', 'key-created', 'key-rotated'],
  key: ['created', 'revoked'],
  store: ['copied', 'degraded', 'recovered', 'overwritten'],
  token: ['created', 'revoked'],
  person: ['added', 'updated', 'removed'],
  backup: ['taken'],
  access: ['restored-from-backup'],
  webhook: ['created', 'updated', 'deleted', 'disabled', 'secret-rotated', 'replayed'],
  webhooks: ['restored-from-backup'],
} as const

type Words = typeof WORDS

/** What an entry of the audit log may be about. */
export type Action = { [First in keyof Words]: `${First}.${Words[First][number]}` }[keyof Words] | 'drill'

export const ACTIONS: readonly Action[] = [
  ...Object.entries(WORDS).flatMap(([first, words]) => words.map((word) => `${first}.${word}` as Action)),
  'drill',
]

/** What webhooks tell although nobody has done it: no log holds it. docs/webhooks.md, "Origins". */
export const EVENTS_ALONE = ['origin.unhealthy', 'origin.healthy', 'origin.unchecked'] as const
