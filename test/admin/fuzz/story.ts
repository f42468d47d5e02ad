/** An environment that has one of everything, so that requests to it get past the question whether it exists. */
import { EXAMPLE_DOCUMENT } from '../../../admin/api/document-examples.ts'
import { caller } from '../callers.ts'
import { ANY, call, environment, NEW, type TestEnvironment, value } from '../client.ts'
import type { Operation } from '../operations.ts'

export interface Story extends TestEnvironment {
  /** Parameters of the operation's address as they should be. */
  readonly values: Readonly<Record<string, string>>
  /** The example of the operation's body, about this environment in place of `dev`. */
  readonly example: unknown
  /** A value in which `dev` becomes this environment. */
  inIt(value: unknown): unknown
}

let made = 0

export async function story({ path, parameters, body }: Operation): Promise<Story> {
  const its = await environment(EXAMPLE_DOCUMENT)
  const { api, name } = its
  await value(await put(`${api}/kills/flag:new-feature`, { reason: 'incident 7' }))
  await put(`${api}/labels/release-12`, { version: 2 })
  const [review] = (await value(await call(`${api}/reviews`))).items
  const examples = parameters.flatMap((each) =>
    each.in === 'path' ? [[each.name, about(name, String(each.example)) as string]] : [],
  )
  const id = await MADE[path.split('/')[3]!]?.(name, `story-${++made}`)
  const inIt = (node: unknown) => about(name, node)
  return {
    ...its,
    values: {
      ...Object.fromEntries(examples),
      ...(id === undefined ? {} : { id }),
      ...{ seq: String(review.seq), n: '2', a: '1', b: '2', other: 'staging' },
    },
    example: inIt(body?.example),
    inIt,
  }
}

/** Deletes it, whatever protects it: lists over all environments stay short. */
export const forget = ({ api }: Story): Promise<Response> =>
  call(api, {
    method: 'DELETE',
    headers: { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'the story is told' },
  })

/** What is not in an environment, by the first part of its address: made anew, its id answered. */
const MADE: Readonly<Record<string, (environment: string, name: string) => Promise<string>>> = {
  keys: (environment) => idOf('/api/v1/keys', { environment, kind: 'server', name: 'checkout' }),
  tokens: (environment, name) =>
    idOf('/api/v1/tokens', { name, role: 'viewer', environments: [environment] }),
  people: async (_, name) =>
    (await value(await put(`/api/v1/people/${name}@example.com`, { role: 'viewer' }))).id,
  schedules: (environment) => {
    const at = '2099-01-01T00:00:00Z'
    return idOf('/api/v1/schedules', { environment, at, flags: { 'new-feature': { enabled: false } } })
  },
  windows: (environment) =>
    idOf('/api/v1/windows', {
      ...{ environment, days: DAYS, from: '00:00', to: '00:00', timeZone: 'UTC', reason: 'always' },
    }),
  freezes: (environment) =>
    idOf('/api/v1/freezes', { environment, to: '2099-01-01T00:00:00Z', reason: 'end-of-year freeze' }),
  approvals: async (environment) => {
    const api = `/api/v1/environments/${environment}`
    await value(await call(api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    const asking = await caller('editor')
    const flag = { method: 'PUT', body: true, headers: NEW }
    return (await value(await asking.call(`${api}/flags/asked-for`, flag))).id
  },
  // There may be fifty of them.
  webhooks: async (_, name) => {
    const { items } = await value(await call('/api/v1/webhooks'))
    for (const { id } of items) await call(`/api/v1/webhooks/${id}`, { method: 'DELETE' })
    const webhook = { url: 'https://a.example.com/', events: ['drill'], environments: ['nowhere'] }
    return idOf('/api/v1/webhooks', { name, ...webhook })
  },
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

const put = (path: string, body: unknown): Promise<Response> => call(path, { method: 'PUT', body })

const idOf = async (path: string, body: unknown): Promise<string> =>
  (await value(await call(path, { method: 'POST', body }))).id

/** `dev`, also in ids, becomes the name. */
function about(name: string, node: unknown): unknown {
  if (typeof node === 'string') return node === 'dev' || node.startsWith('dev:') ? name + node.slice(3) : node
  if (Array.isArray(node)) return node.map((inner) => about(name, inner))
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, about(name, inner)]))
}

/** The environment that examples promote to and compare with. */
export async function staging(): Promise<void> {
  const api = '/api/v1/environments/staging'
  await value(await call(api, { method: 'PUT', body: {}, headers: NEW }))
  await value(await call(`${api}/document`, { method: 'PUT', body: { flags: {} }, headers: ANY }))
}
