/** Fills the environment of a local run through the admin API, as a person would, and keeps its demo origins reachable. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OriginPorts } from './options.ts'
import { StartError } from './start-error.ts'

/** The one environment of a local run. */
export const ENVIRONMENT = 'dev'

/** Ports that seed.json is written with. */
const SEED_PORTS: OriginPorts = { stable: 8781, canary: 8782 }

export interface Seeding {
  readonly adminUrl: string
  readonly adminToken: string
  /** Where the demo origins are now, and where they were in the last run (`null`: there was none). */
  readonly ports: OriginPorts
  readonly formerPorts: OriginPorts | null
  /** Where the control plane stores what it knows. */
  readonly storageDir: string
  readonly signal: AbortSignal
}

/** What came of it. */
export type Seeded = 'created' | 'kept' | 'origins-moved' | 'damaged'

export interface Environment {
  readonly seeded: Seeded
  /** Where its flags live in AWS; `null`: they are embedded. */
  readonly flagsIn: string | null
}

/**
 * Creates the environment with seed.json. One that has a document already is the user's: it stays as it is, but for the
 * addresses of demo origins that could not get their ports again.
 */
export async function seed(seeding: Seeding): Promise<Environment> {
  const seeded = await fill(seeding)
  const { store } = (await (await call(seeding, 'GET', PATH)).json()) as { store: { place: string | null } }
  return { seeded, flagsIn: store.place }
}

const PATH = `/api/v1/environments/${ENVIRONMENT}`

async function fill(seeding: Seeding): Promise<Seeded> {
  const { environment, document } = JSON.parse(readFileSync(new URL('seed.json', import.meta.url), 'utf8'))
  const existing = await call(seeding, 'GET', PATH, {}, undefined, [404, 500])
  if (existing.status === 500) throw damaged(seeding, `cannot be read: ${sentenceIn(await existing.text())}`)
  if (existing.status === 404) {
    if (await isListed(seeding)) throw damaged(seeding, 'is gone, though the control plane knows of it.')
    await call(seeding, 'PUT', PATH, { 'if-none-match': '*' }, environment)
  }

  const held = await call(seeding, 'GET', `${PATH}/document`, {}, undefined, [500])
  // Kills work all the same, and whoever mends it needs the control plane.
  if (held.status === 500) return 'damaged'
  const ifMatch = { 'if-match': held.headers.get('etag') ?? '*' }
  const heldText = await held.text()
  // A run that was killed between the two calls left an environment without a document.
  if (isEmpty(JSON.parse(heldText))) {
    const seeded = moveOrigins(JSON.stringify(document), SEED_PORTS, seeding.ports)
    await call(seeding, 'PUT', `${PATH}/document`, ifMatch, JSON.parse(seeded))
    return 'created'
  }
  const moved = moveOrigins(heldText, seeding.formerPorts ?? SEED_PORTS, seeding.ports)
  if (moved === heldText) return 'kept'
  await call(seeding, 'PUT', `${PATH}/document`, ifMatch, JSON.parse(moved))
  return 'origins-moved'
}

/** Nobody loses an environment without a word: a new one in its place would look as if all were well. */
const damaged = ({ storageDir }: Seeding, how: string): StartError =>
  new StartError(
    `environment ${ENVIRONMENT} in ${storageDir} ${how} Put back a copy of that folder, or move it away and restore a backup (docs/local-run.md, "Troubleshooting")`,
  )

/** After a deletion that a kill interrupted, the control plane forgets the name by itself. */
const FORGET_MS = 2_000

async function isListed(seeding: Seeding): Promise<boolean> {
  for (const deadline = Date.now() + FORGET_MS; ; await sleep(100)) {
    const listed = await call(seeding, 'GET', '/api/v1/environments?limit=1000')
    const { items } = (await listed.json()) as { items: { name: string }[] }
    const found = items.some(({ name }) => name === ENVIRONMENT)
    if (!found || Date.now() > deadline) return found
  }
}

const isEmpty = (document: { flags?: object; routes?: unknown[] }): boolean =>
  Object.keys(document.flags ?? {}).length === 0 && (document.routes ?? []).length === 0

/** The document's text with each origin's address replaced, both at once: the two may have changed places. */
export function moveOrigins(text: string, from: OriginPorts, to: OriginPorts): string {
  return text.replace(/(?<="url":\s*"http:\/\/127\.0\.0\.1:)\d+(?=["/])/g, (port) => {
    if (Number(port) === from.stable) return String(to.stable)
    return Number(port) === from.canary ? String(to.canary) : port
  })
}

/** A call of the admin API. Throws `StartError` with the answer, unless it succeeded or its status is expected. */
async function call(
  { adminUrl, adminToken, signal }: Seeding,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
  expected: readonly number[] = [],
): Promise<Response> {
  const response = await fetch(adminUrl + path, {
    method,
    signal,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (response.ok || expected.includes(response.status)) return response
  throw new StartError(`${method} ${path} answered ${response.status}: ${sentenceIn(await response.text())}`)
}

/** Of a problem (RFC 9457) what it says to people. */
function sentenceIn(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    return typeof detail === 'string' ? detail : text
  } catch {
    return text.trim()
  }
}
