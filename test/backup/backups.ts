/** Backups for tests: whole ones, made of what a test says, with every hash as it must be. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export interface ObjectSpec {
  readonly name: string
  readonly begin?: object
  /** Records in their order, the audit log not among them. */
  readonly records?: readonly object[]
  /** Actions of its audit log. */
  readonly actions?: readonly string[]
}

/** The audit log of an object as records: hashes computed here by the rule that docs/api.md states. */
function chainOf(environment: string | null, actions: readonly string[]): object[] {
  let previousHash = '0'.repeat(64)
  return actions.map((action, at) => {
    const said = { subject: 'document', actor: 'ana', details: {} }
    const text = JSON.stringify({ seq: at + 1, at: '2026-11-26T10:00:00.000Z', environment, action, ...said })
    const hash = sha256(`${previousHash}\n${text}`)
    const record = { record: 'audit', text, previousHash, hash }
    previousHash = hash
    return record
  })
}

/** Text of a backup that holds these objects. */
export function backupOf(objects: readonly ObjectSpec[], header: object = {}): string {
  const lines: object[] = [
    {
      ...{ turnout: 'backup', format: 1, madeAt: '2026-11-26T10:00:00.000Z', release: null },
      holds: objects.map(({ name }) => name),
      ...header,
    },
  ]
  for (const { name, begin = {}, records = [], actions = [] } of objects) {
    const environment = name.startsWith('environment:') ? name.slice('environment:'.length) : null
    const all = [...records, ...chainOf(environment, actions)]
    const counts: Record<string, number> = {}
    for (const { record } of all as { record: string }[]) counts[record] = (counts[record] ?? 0) + 1
    lines.push({ begin: name, ...begin }, ...all, { end: name, counts })
  }
  return closed(lines.map((line) => JSON.stringify(line)))
}

/** Lines with the closing line that fits them. */
export function closed(lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('')
  return `${text}${JSON.stringify({ lines: lines.length, sha256: sha256(text) })}\n`
}

/** What makes an environment of these entities, each `[kind, key, value]`, all since version 1. */
export function environmentOf(
  name: string,
  entities: readonly (readonly [string, string, unknown])[] = [],
  more: {
    readonly records?: readonly object[]
    readonly actions?: readonly string[]
    readonly begin?: object
  } = {},
): ObjectSpec {
  const all = [...entities, ['settings', 'environment', {}] as const]
  const bodies = new Map(all.map(([, , value]) => [sha256(JSON.stringify(value)), JSON.stringify(value)]))
  return {
    name: `environment:${name}`,
    begin: { live: true, epoch: 1000, version: 1, kills: 0, createdAtMs: 1, ...more.begin },
    records: [
      ...(more.records ?? []),
      ...all.map(([kind, key, value]) => ({
        ...{ record: 'entity', kind, key, since: 1, until: null, changedAtMs: 1 },
        hash: sha256(JSON.stringify(value)),
      })),
      ...Array.from(bodies, ([hash, text]) => ({ record: 'body', hash, text })),
      { record: 'version', version: 1, epoch: 1000, createdAtMs: 1, actor: 'ana', reason: null },
    ],
    actions: more.actions ?? ['environment.created'],
  }
}

export const kill = (target: string, more: object = {}): object => ({
  ...{ record: 'kill', target, variant: null, reason: 'errors', actor: 'ana', createdAtMs: 5 },
  ...{ expiresAtMs: null, onExpiry: 'restore', ...more },
})

/** Any whole backup. */
export const anyBackup: fc.Arbitrary<string> = fc
  .record({
    environments: fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/), { maxLength: 3 }),
    flags: fc.dictionary(fc.stringMatching(/^[A-Za-z0-9]{1,8}$/), fc.jsonValue(), { maxKeys: 4 }),
    killed: fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9]{1,8}$/), { maxLength: 3 }),
    reason: fc.string(),
    actions: fc.array(fc.string(), { maxLength: 5 }),
  })
  .map(({ environments, flags, killed, reason, actions }) =>
    backupOf([
      { name: 'access', actions },
      ...environments.map((name) =>
        environmentOf(
          name,
          Object.entries(flags).map(([key, value]) => ['flag', key, value] as const),
          { actions, records: killed.map((key) => kill(`flag:${key}`, { reason })) },
        ),
      ),
    ]),
  )
