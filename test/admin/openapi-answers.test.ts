import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { EXAMPLE_DOCUMENT } from '../../admin/api/document-examples.ts'
import { ANY, call, NEW, value } from './client.ts'
import { addressOf, type Operation, openApiPage } from './operations.ts'
import { auditEvent } from './webhook-events.ts'

/** Reads before changes, what takes things away after them, and what holds everything last. */
const ORDER = [
  'GET',
  'POST',
  'PATCH',
  'PUT',
  // While they hold, other changes would be refused.
  ...['createFreeze', 'deleteFreeze', 'createWindow', 'deleteWindow'],
  'DELETE',
  ...['restoreEverything', 'restoreEnvironment'],
  'deleteEnvironment',
]

describe('the examples of the OpenAPI page', () => {
  it('are taken by the API, whose answers have the form that the page promises', async () => {
    // Where webhooks send to.
    vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('no', { status: 400 }))
    const { operations: all, checkOf } = await openApiPage()
    const operations = all.filter(({ id }) => !ELSEWHERE.includes(id))
    const made = await theStory()
    const succeeded: string[] = []
    const created: string[] = []
    for (const operation of operations.toSorted(byOrder)) {
      const response = await call(
        addressOf(operation, { ...pathExamples(operation), ...made[operation.path] }),
        {
          method: operation.method,
          body: operation.body?.example,
          headers: {
            ...(operation.parameters.some(({ name }) => name === 'if-match') ? ANY : {}),
            ...(operation.body ? { 'content-type': operation.body.mediaTypes[0]! } : {}),
          },
        },
      )
      const text = await response.text()
      const name = `${operation.id}: ${response.status} ${text.slice(0, 1_000)}`
      expect([400, 413, 415, 422, 428, 500, 503], name).not.toContain(response.status)
      expect([...operation.answers.keys()], name).toContain(response.status)
      const schema = operation.answers.get(response.status)
      if (schema)
        for (const part of partsOf(response, text))
          expect(checkOf(schema).safeParse(JSON.parse(part)).error?.issues, name).toBeUndefined()
      else expect(text, name).toBe('')
      if (response.status === 201) {
        const location = response.headers.get('location') ?? 'none'
        expect((await call(location, { method: 'OPTIONS' })).headers.get('allow'), name).toContain('OPTIONS')
        created.push(location)
      }
      if (response.ok) succeeded.push(operation.id)
    }
    expect(operations.map((operation) => operation.id).filter((id) => !succeeded.includes(id))).toEqual([])
    expect(created).toEqual(
      expect.arrayContaining(['keys', 'tokens', 'schedules', 'windows', 'freezes', 'webhooks'].map(madeIn)),
    )
  })
})

const madeIn = (collection: string) => expect.stringMatching(`^/api/v1/${collection}/[a-z0-9_:-]+$`)

/** Needs AWS, which is not set up in these tests: test/e2e/aws-copy.test.ts holds what it answers. */
const ELSEWHERE = ['copyStore']

const byOrder = (a: Operation, b: Operation): number => place(a) - place(b)

const place = ({ id, method }: Operation): number => ORDER.indexOf(ORDER.includes(id) ? id : method)

const pathExamples = ({ parameters }: Operation): Record<string, string> =>
  Object.fromEntries(
    parameters.flatMap((each) => (each.in === 'path' ? [[each.name, String(each.example)]] : [])),
  )

/** What the schema is about: each line of NDJSON, or the whole. */
const partsOf = ({ headers }: Response, text: string): string[] =>
  headers.get('content-type') === 'application/x-ndjson' ? text.trimEnd().split('\n') : [text]

/**
 * The state that the examples are about: the environment, its document, a kill, a key, a token, a person, and a webhook
 * with a dead letter. Answers the values of parameters that are chosen by the API, by path.
 */
async function theStory(): Promise<Record<string, Record<string, string>>> {
  const api = '/api/v1/environments/dev'
  await value(await call(api, { method: 'PUT', body: {}, headers: NEW }))
  await value(await call(`${api}/document`, { method: 'PUT', body: EXAMPLE_DOCUMENT, headers: ANY }))
  await value(await call(`${api}/kills/flag:new-feature`, { method: 'PUT', body: { reason: 'incident 7' } }))
  const key = await value(
    await call('/api/v1/keys', { body: { environment: 'dev', kind: 'server', name: 'checkout' } }),
  )
  const token = await value(await call('/api/v1/tokens', { body: { name: 'story', role: 'viewer' } }))
  await value(await call('/api/v1/people/ana@example.com', { method: 'PUT', body: { role: 'viewer' } }))
  const webhook = await value(
    await call('/api/v1/webhooks', {
      body: { name: 'story', url: 'https://a.example.com/', events: ['drill'] },
    }),
  )
  await env.WEBHOOKS.getByName('webhooks').enqueue([auditEvent({ action: 'drill' })])
  const deadLetters = async () =>
    (await value(await call(`/api/v1/webhooks/${webhook.id}/deliveries?status=dead`))).items
  await expect.poll(deadLetters, { interval: 5 }).toHaveLength(1)
  const [delivery] = await deadLetters()
  const ofWebhook = Object.fromEntries(
    ['', '/test', '/rotate-secret', '/deliveries'].map((path) => [
      `/api/v1/webhooks/{id}${path}`,
      { id: webhook.id },
    ]),
  )
  await value(await call('/api/v1/environments/staging', { method: 'PUT', body: {}, headers: NEW }))
  const schedule = await value(
    await call('/api/v1/schedules', {
      body: { environment: 'dev', at: '2099-01-01T00:00:00Z', flags: { 'new-feature': { enabled: false } } },
    }),
  )
  const [review] = (await value(await call(`${api}/reviews`))).items
  const approvals = await theApprovals()
  const preview = await value(
    await call(`${api}/previews`, { body: { route: 'web', variant: 'on', host: 'www.example.com' } }),
  )
  return {
    ...ofWebhook,
    ...approvals,
    '/api/v1/schedules/{id}': { id: schedule.id },
    '/api/v1/windows/{id}': { id: 'dev:1' },
    '/api/v1/freezes/{id}': { id: 'dev:1' },
    '/api/v1/environments/{env}/reviews/{seq}/close': { seq: String(review.seq) },
    '/api/v1/environments/{env}/versions/{n}/restore': { n: '2' },
    '/api/v1/environments/{env}/versions/{a}/diff/{b}': { a: '1', b: '2' },
    '/api/v1/webhooks/{id}/deliveries/{delivery}/replay': { id: webhook.id, delivery: String(delivery.id) },
    '/api/v1/environments/{env}/previews/{id}': { id: preview.id },
    '/api/v1/keys/{id}': { id: key.id },
    '/api/v1/tokens/{id}': { id: token.id },
    '/api/v1/environments/{env}/versions/{n}': { n: '1' },
  }
}

/** A protected environment with a change of somebody else's to look at, one to approve and one to reject, and one of ours. */
async function theApprovals(): Promise<Record<string, Record<string, string>>> {
  const api = '/api/v1/environments/protected'
  const flags = Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, { enabled: true, percentage: 5 }]))
  await value(await call(api, { method: 'PUT', body: { approvals: 1 }, headers: NEW }))
  const { token } = await value(await call('/api/v1/tokens', { body: { name: 'asker', role: 'editor' } }))
  const ours = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'the story' }
  await value(await call(`${api}/document`, { method: 'PUT', body: { flags }, headers: ours }))
  const asked = async (key: string, headers: Record<string, string>) =>
    value(await call(`${api}/flags/${key}`, { method: 'PATCH', body: { percentage: 9 }, headers }))
  const theirs = { ...ANY, authorization: `Bearer ${token}` }
  return {
    '/api/v1/approvals/{id}': { id: (await asked('a', theirs)).id },
    '/api/v1/approvals/{id}/approve': { id: (await asked('b', theirs)).id },
    '/api/v1/approvals/{id}/reject': { id: (await asked('c', theirs)).id },
    '/api/v1/approvals/{id}/cancel': { id: (await asked('d', ANY)).id },
  }
}
