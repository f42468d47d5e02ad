/** Events for tests of webhooks. */

import { contentHash } from '../../admin/storage/content-hash.ts'
import type { AuditEvent } from '../../admin/webhook/event.ts'

let seq = 0

/** A kill of a flag in the environment `dev`, unless something else is said; never the same twice. */
export function auditEvent(more: Partial<AuditEvent>): AuditEvent {
  seq++
  return {
    seq,
    at: '2026-11-21T10:00:00.000Z',
    environment: 'dev',
    action: 'kill.placed',
    subject: 'kill:flag:new-feature',
    actor: 'ana@example.com',
    reason: null,
    requestId: null,
    address: null,
    version: null,
    kills: 4,
    changes: [],
    changeCount: 0,
    details: {},
    previousHash: contentHash('before'),
    hash: contentHash(`${seq} ${crypto.randomUUID()}`),
    ...more,
  }
}
