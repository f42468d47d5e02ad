/** The admin API as far as the command line calls it, over HTTP, on the real engine. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { bareBoolean, compile, type FlagDocument } from '../../engine/index.ts'

export const TOKEN = 'tn_token-of-the-fake-admin-api'

export interface FakeAdmin {
  readonly url: string
  /** The document of `dev`, the only environment, at its current version. */
  document(): FlagDocument
  version(): number
  /** Somebody else changes the document. */
  edit(change: (document: FlagDocument) => FlagDocument): void
  /** Each request, as `GET /api/v1/…`, with what it carried. */
  readonly requests: {
    readonly line: string
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }[]
  /** Called before a PATCH is looked at; may answer in place of the API. */
  beforePatch: () => Intervention | null
}

export interface Intervention {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** Starts the fake for one test. */
export async function startAdmin(flags: FlagDocument['flags'] = {}): Promise<FakeAdmin> {
  let document: FlagDocument = { flags }
  let version = 7
  const edit: FakeAdmin['edit'] = (change) => {
    document = change(document)
    version++
  }

  const answer = ({ method, url, headers }: IncomingMessage, body: string): Intervention => {
    const { pathname } = new URL(url ?? '/', 'http://admin')
    if (headers.authorization !== `Bearer ${TOKEN}`)
      return problem(401, 'The token is not the one of this control plane.')
    if (!pathname.startsWith('/api/v1/environments/dev/'))
      return problem(404, 'There is no environment "nowhere".')
    const etag = `"v${version}"`
    if (method === 'GET' && pathname.endsWith('/document'))
      return { status: 200, headers: { etag }, body: JSON.stringify(document) }
    if (method !== 'PATCH' || !pathname.endsWith('/flags')) return problem(405, 'No such method.')
    const intervention = fake.beforePatch()
    if (intervention !== null) return intervention
    if (headers['if-match'] === undefined) return problem(428, 'Send "If-Match".')
    if (headers['if-match'] !== `"v${version}"`)
      return problem(412, `The flags "dev" are at "v${version}" now.`)
    const outcome = { ...document, flags: patched(document.flags, JSON.parse(body)) as FlagDocument['flags'] }
    const compiled = compile(outcome, { environment: 'dev', epoch: 1, version })
    if (!compiled.ok) return problem(422, 'The document has errors; nothing was changed.', compiled.error)
    edit(() => outcome)
    return {
      status: 200,
      headers: { etag: `"v${version}"` },
      body: JSON.stringify({ version, warnings: [] }),
    }
  }

  const requests: FakeAdmin['requests'] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const body = Buffer.concat(parts).toString()
    requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, body })
    const { status, headers, body: text } = answer(request, body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fake: FakeAdmin = {
    url,
    document: () => document,
    version: () => version,
    edit,
    requests,
    beforePatch: () => null,
  }
  return fake
}

export function problem(status: number, detail: string, errors: readonly unknown[] = []): Intervention {
  const body = {
    type: 'urn:turnout:problem:x',
    title: 'Title',
    status,
    detail,
    errors,
    requestId: 'request-1',
  }
  return { status, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify(body) }
}

/** As PATCH /flags does it: a merge patch for each flag, and a bare flag that meets an object first becomes `{ enabled }`. */
function patched(
  flags: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): unknown {
  const next = new Map(Object.entries(flags))
  for (const [key, change] of Object.entries(patch)) {
    const held = next.get(key)
    const state = isObject(change) ? bareBoolean(held) : null
    if (change === null) next.delete(key)
    else next.set(key, mergePatch(state === null ? held : { enabled: state }, change))
  }
  return Object.fromEntries(next)
}

/** Source: https://www.rfc-editor.org/rfc/rfc7396#section-2 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, mergePatch(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
