/** All that is stored of what callers can change, as text to compare. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

/** Written some time after a change, by nobody's request: what is owed to other objects, and what these have heard. */
const LATER = ['outbox', 'handed_over', 'audit_texts']
const TOLD = ['environments', 'keys', 'listeners', 'events', 'deliveries']

/** How its receiver fares is no state of a webhook. */
const COLUMNS: Readonly<Record<string, string>> = {
  // Logs only grow, and each entry covers the one before it.
  audit: 'MAX(seq), hash',
  webhooks: 'id, name, format, events, environments, enabled, url, routing_key, secret, previous_secret',
}

/** Of the environment, the control plane and the webhooks: documents, kills, versions, settings, audit logs and all else. */
export async function stateOf(environment: DurableObjectStub): Promise<string> {
  const stubs = [environment, env.PROJECT.getByName('project'), env.WEBHOOKS.getByName('webhooks')]
  const parts = await Promise.all(
    stubs.map((stub, at) => tablesOf(stub as DurableObjectStub, at === 0 ? LATER : [...LATER, ...TOLD])),
  )
  return parts.join('\n')
}

const tablesOf = (stub: DurableObjectStub, but: readonly string[]): Promise<string> =>
  runInDurableObject(stub, (_, { storage: { sql } }) => {
    const tables = sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .toArray()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('_') && !name.startsWith('sqlite_') && !but.includes(name))
    return tables
      .map(
        (name) =>
          `${name}: ${JSON.stringify(sql.exec(`SELECT ${COLUMNS[name] ?? '*'} FROM ${name}`).toArray())}`,
      )
      .join('\n')
  })
