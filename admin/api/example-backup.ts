/** The smallest backup of an environment, for the OpenAPI page: `dev` with one flag, at its first version. */
import { FIRST_HASH, hashOf } from '../audit/chain.ts'
import { beginLine, endLine, headerLine, recordLine } from '../backup/format.ts'
import { Seal } from '../backup/seal.ts'
import { contentHash } from '../storage/content-hash.ts'

const at = '2026-11-21T10:00:00.000Z'
const atMs = Date.parse(at)
const name = 'environment:dev'

const texts = { flag: 'true', settings: '{"open":false,"edgeHosts":[]}' }

const entry = JSON.stringify({
  ...{
    seq: 1,
    at,
    environment: 'dev',
    action: 'environment.created',
    subject: name,
    actor: 'ana@example.com',
  },
  ...{ reason: null, requestId: null, address: null, version: 1, kills: null },
  ...{ changes: [], changeCount: 0, details: {} },
})

const entity = (kind: string, key: string, text: string): string[] => [
  recordLine('entity', { kind, key, since: 1, until: null, hash: contentHash(text), changedAtMs: atMs }),
  recordLine('body', { hash: contentHash(text), text }),
]

const lines = [
  headerLine({ madeAt: at, release: null, holds: [name] }),
  beginLine({ begin: name, live: true, epoch: 1, version: 1, kills: 0, createdAtMs: atMs }),
  recordLine('audit', { text: entry, previousHash: FIRST_HASH, hash: hashOf(FIRST_HASH, entry) }),
  ...entity('flag', 'new-feature', texts.flag),
  ...entity('settings', 'environment', texts.settings),
  recordLine('version', { version: 1, epoch: 1, createdAtMs: atMs, actor: 'ana@example.com', reason: null }),
  endLine({ end: name, counts: { audit: 1, entity: 2, body: 2, version: 1 } }),
]

const seal = new Seal()
seal.add(lines.join(''))

export const EXAMPLE_BACKUP = lines.join('') + seal.close()
