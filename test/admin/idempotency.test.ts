import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { parseKey } from '../../admin/idempotency/key.ts'
import {
  IN_FLIGHT_MS,
  judge,
  KEPT_MS,
  LOST_MS,
  type Reservation,
} from '../../admin/idempotency/reservation.ts'
import { open, seal } from '../../admin/idempotency/seal.ts'
import { caller } from './callers.ts'
import { ANY, type CallOptions, call, environment, NEW, problem, TOKEN, value } from './client.ts'
import { openApiPage } from './operations.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

let made = 0
const newKey = () => `key-${++made}-${crypto.randomUUID()}`
const withKey = (key: string, options: CallOptions): CallOptions => ({
  ...options,
  headers: { ...options.headers, 'idempotency-key': key },
})

/** A caller of its own, and so an object of its own. */
async function somebody() {
  const one = await caller('admin')
  const stub = env.IDEMPOTENCY.getByName(one.id)
  const post = (path: string, key: string, body: unknown, headers = {}) =>
    one.call(path, withKey(key, { method: 'POST', body, headers }))
  return { ...one, stub, post }
}

/** As if the Worker that did the work had not come back with its answer. */
function loseAnswers(_: unknown, { storage }: DurableObjectState): void {
  storage.sql.exec('UPDATE reservations SET size = NULL')
  storage.sql.exec('DELETE FROM kept_answers')
}

/** One request of the bootstrap token to the API with other bindings than the tests' own. */
const postWith = (bindings: object, path: string, key: string | null, token = TOKEN, body?: object) =>
  app.fetch(
    new Request(`https://admin.test${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(key === null ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(body) ?? null,
    }),
    { ...env, ADMIN_BOOTSTRAP_TOKEN: token, ...bindings },
    CONTEXT,
  )

const CONTEXT = {
  waitUntil: () => {},
  passThroughOnException: () => {},
  props: {},
} as unknown as ExecutionContext

const versionOf = async (api: string) => (await value(await call(api))).version

describe('an idempotency key', () => {
  it('lets a request be sent again: it is carried out once and answered the same', async () => {
    const { api } = await environment({ flags: { a: true } })
    const { post } = await somebody()
    const key = newKey()
    const first = await post(`${api}/flags/a/toggle`, key, { enabled: false })
    const again = await post(`${api}/flags/a/toggle`, key, { enabled: false })
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(again.status).toBe(200)
    for (const name of ['content-type', 'etag', 'x-turnout-version'])
      expect(again.headers.get(name), name).toBe(first.headers.get(name))
    expect(again.headers.get('etag')).toBe('"v3"')
    expect(again.headers.get('cache-control')).toBe('no-store')
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    expect(await again.text()).toBe(await first.text())
    expect(await versionOf(api)).toBe(3)
  })

  it('is never required: without one, each request is carried out', async () => {
    const { api } = await environment()
    await value(await call(`${api}/drill`, { method: 'POST' }))
    await value(await call(`${api}/drill`, { method: 'POST' }))
    expect((await value(await call(api))).killsVersion).toBe(2)
  })

  it('costs nobody anything who sends none: its object is not even asked for', async () => {
    const { api } = await environment()
    const broken = { getByName: () => expect.unreachable('asked for') }
    expect((await postWith({ IDEMPOTENCY: broken }, `${api}/drill`, null)).status).toBe(202)
  })

  it('means nothing to other methods, which are idempotent by themselves', async () => {
    const { api } = await environment({ flags: { a: true } })
    const key = newKey()
    for (const percentage of [1, 2])
      await value(
        await call(
          `${api}/flags/a`,
          withKey(key, { method: 'PATCH', body: { percentage, enabled: true }, headers: ANY }),
        ),
      )
    expect(await versionOf(api)).toBe(4)
  })

  it('keeps 202 with the address of the approval', async () => {
    const { api, name } = await environment({ flags: { a: false } })
    await value(await call(api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    const { post } = await somebody()
    const key = newKey()
    const first = await post(`${api}/flags/a/toggle`, key, { enabled: true })
    const again = await post(`${api}/flags/a/toggle`, key, { enabled: true })
    expect([first.status, again.status]).toEqual([202, 202])
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    const { items } = await value(await call(`/api/v1/approvals?environment=${name}`))
    expect(items).toHaveLength(1)
  })

  it('keeps a refusal too, as it was', async () => {
    const { api } = await environment()
    const { post } = await somebody()
    const key = newKey()
    const first = await problem(await post(`${api}/flags/a/toggle`, key, { enabled: true }), 404)
    await value(await call(`${api}/flags/a`, { method: 'PUT', body: false, headers: NEW }))
    const again = await post(`${api}/flags/a/toggle`, key, { enabled: true })
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([404, 'true'])
    expect(await again.json()).toEqual(first)
  })

  it('that was used for another body, address, reason or manner is refused', async () => {
    const { api, name } = await environment({ flags: { a: true, b: true } })
    const { post } = await somebody()
    const key = newKey()
    await value(await post(`${api}/flags/a/toggle`, key, { enabled: false }))
    const others = [
      () => post(`${api}/flags/a/toggle`, key, { enabled: true }),
      () => post(`${api}/flags/b/toggle`, key, { enabled: false }),
      () => post(`${api}/drill`, key, undefined),
      () => post('/api/v1/keys', key, { environment: name, kind: 'server', name: 'x' }),
      () => post(`${api}/flags/a/toggle?reason=x`, key, { enabled: false }),
      () => post(`${api}/flags/a/toggle`, key, { enabled: false }, { 'x-turnout-reason': 'x' }),
      () => post(`${api}/flags/a/toggle`, key, { enabled: false }, { 'x-turnout-break-glass': 'true' }),
    ]
    for (const other of others) {
      const { type, errors } = await problem(await other(), 422)
      expect(type).toBe('urn:turnout:problem:key-reused')
      expect(errors).toEqual([{ path: 'idempotency-key', message: expect.any(String) }])
    }
    expect(await versionOf(api)).toBe(3)
    expect((await value(await call(api))).killsVersion).toBe(0)
  })

  it('is its caller’s own: the same key of another caller is another key', async () => {
    const { api } = await environment()
    const [one, other] = [await somebody(), await somebody()]
    const key = newKey()
    for (const { post } of [one, other]) {
      const answer = await post(`${api}/drill`, key, undefined)
      expect(answer.headers.get('idempotent-replayed')).toBeNull()
      await value(answer)
    }
    expect((await value(await call(api))).killsVersion).toBe(2)
  })

  it('does not open what the caller may not do any more, or never might', async () => {
    const { api } = await environment({ flags: { a: true } })
    const viewer = await caller('viewer')
    const request = withKey(newKey(), { method: 'POST', body: { enabled: false } })
    await problem(await viewer.call(`${api}/flags/a/toggle`, request), 403)
    const kept = await runInDurableObject(env.IDEMPOTENCY.getByName(viewer.id), keysOf)
    expect(kept).toEqual([])
  })

  it.each([
    '',
    ' ',
    'a b',
    '""',
    '"a',
    'a"',
    '"a"b"',
    '"a\\b"',
    '"a";q=1',
    'x'.repeat(256),
    `"${'x'.repeat(256)}"`,
    'a, b',
  ])('of the form %j is refused by name, and nothing is done', async (key) => {
    const { api } = await environment()
    const answer = await call(`${api}/drill`, withKey(key, { method: 'POST' }))
    const { detail, errors } = await problem(answer, 400)
    expect(detail).toContain('"Idempotency-Key" must be 1 to 255 characters')
    expect(errors[0]?.path).toBe('idempotency-key')
    expect((await value(await call(api))).killsVersion).toBe(0)
  })

  it.each([
    ['x', 'x'],
    ['"x"', 'x'],
    ['"a b"', 'a b'],
    ['"\\"\\\\"', '"\\'],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`"${'\\"'.repeat(255)}"`, '"'.repeat(255)],
    ['__proto__', '__proto__'],
    ['é', null],
    ['a\u0000', null],
  ])('%j is taken as %j', (header, key) => {
    expect(parseKey(header)).toBe(key)
  })
})

describe('two requests with one key', () => {
  it('at once: one is carried out, the other told to wait', async () => {
    const { api } = await environment()
    const { post } = await somebody()
    const key = newKey()
    const drill = () => post(`${api}/drill`, key, undefined)
    const answers = await Promise.all([drill(), drill(), drill()])
    const statuses = answers.map(({ status, headers }) =>
      headers.has('idempotent-replayed') ? 'replayed' : status,
    )
    expect(statuses.filter((status) => status === 202)).toHaveLength(1)
    expect(statuses.every((status) => [202, 409, 'replayed'].includes(status))).toBe(true)
    expect((await value(await call(api))).killsVersion).toBe(1)
  })

  it('while the first is being carried out: 409 with the seconds to wait', async () => {
    const { post, stub } = await somebody()
    const { api } = await environment()
    const key = newKey()
    await value(await post(`${api}/drill`, key, undefined))
    await runInDurableObject(stub, loseAnswers)
    const answer = await post(`${api}/drill`, key, undefined)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await problem(answer, 409)).toMatchObject({ type: 'urn:turnout:problem:in-flight' })
    expect((await value(await call(api))).killsVersion).toBe(1)
  })
})

describe('work that was begun and never answered', () => {
  async function died() {
    const { api } = await environment()
    const one = await somebody()
    const key = newKey()
    const first = await one.post(`${api}/drill`, key, undefined)
    await runInDurableObject(one.stub, loseAnswers)
    const kills = async () => (await value(await call(api))).killsVersion
    return { drill: () => one.post(`${api}/drill`, key, undefined), kills, first }
  }

  it('closes its key for five minutes, and says by which request to look for it', async () => {
    const { drill, kills, first } = await died()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + IN_FLIGHT_MS })
    const answer = await drill()
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(200)
    const { type, detail } = await problem(answer, 409)
    expect(type).toBe('urn:turnout:problem:answer-lost')
    expect(detail).toContain(first.headers.get('x-request-id'))
    expect(await kills()).toBe(1)
  })

  it('frees its key after that: the request is carried out', async () => {
    const { drill, kills } = await died()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + LOST_MS })
    expect((await drill()).headers.get('idempotent-replayed')).toBeNull()
    expect(await kills()).toBe(2)
    expect((await drill()).headers.get('idempotent-replayed')).toBe('true')
  })
})

describe('answers that say nothing for good', () => {
  it('of 5xx are not kept: the same request may be sent again at once', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { api } = await environment()
    const key = newKey()
    const ENVIRONMENTS = { getByName: () => ({ drill: async () => Promise.reject(new Error('gone')) }) }
    await problem(await postWith({ ENVIRONMENTS }, `${api}/drill`, key), 500)
    const again = await postWith({}, `${api}/drill`, key)
    expect([again.status, again.headers.has('idempotent-replayed')]).toEqual([202, false])
    expect((await value(await call(api))).killsVersion).toBe(1)
  })

  it('and that ask to try again are not kept either', async () => {
    const { api, name } = await environment({ flags: { a: false } })
    const { post } = await somebody()
    const to = new Date(Date.now() + 3_600_000).toISOString()
    const freeze = await value(
      await call('/api/v1/freezes', { body: { environment: name, to, reason: 'x' } }),
    )
    const key = newKey()
    const enable = () => post(`${api}/flags/a/toggle`, key, { enabled: true })
    const frozen = await enable()
    expect([frozen.status, frozen.headers.has('retry-after')]).toEqual([409, true])
    await call(`/api/v1/freezes/${freeze.id}`, { method: 'DELETE' })
    expect((await enable()).status).toBe(200)
  })
})

describe('what is kept', () => {
  const bytesIn = async (stub: DurableObjectStub<import('../../admin/index.ts').IdempotencyObject>) =>
    runInDurableObject(stub, (_, { storage }) => {
      const tables = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      return tables
        .toArray()
        .filter(({ name }) => !name.startsWith('_cf_'))
        .flatMap(({ name }) => storage.sql.exec(`SELECT * FROM ${name}`).toArray())
        .flatMap((row) => Object.values(row))
        .map((value) =>
          value instanceof ArrayBuffer ? new TextDecoder('latin1').decode(value) : String(value),
        )
        .join('\n')
    })

  it('holds a secret that can be read with the caller’s own token only', async () => {
    const { name } = await environment()
    const { post, stub } = await somebody()
    const key = newKey()
    const body = { name: `made-${key}`, role: 'viewer' }
    const { token } = await value(await post('/api/v1/tokens', key, body))
    expect((await value(await post('/api/v1/tokens', key, body))).token).toBe(token)
    const sdkKey = { environment: name, kind: 'server', name: 'x' }
    const made = await value(await post('/api/v1/keys', newKey(), sdkKey))
    const hook = { name: 'x', url: 'https://a.example.com/', events: ['drill'], environments: ['none'] }
    const { secret } = await value(await post('/api/v1/webhooks', newKey(), hook))
    const stored = await bytesIn(stub)
    expect(stored).toContain(key)
    for (const hidden of [token, made.key, secret, 'viewer', 'a.example.com'])
      expect(stored).not.toContain(hidden)
  })

  it('cannot be opened with another credential of the same caller, who learns that it was done', async () => {
    const key = newKey()
    const fetchAs = (token: string) =>
      postWith({}, '/api/v1/tokens', key, token, { name: `made-${key}`, role: 'viewer' })
    expect((await fetchAs('the-first-bootstrap-token')).status).toBe(201)
    const { type, detail } = await problem(await fetchAs('the-second-bootstrap-token'), 409)
    expect(type).toBe('urn:turnout:problem:answer-lost')
    expect(detail).toContain('was carried out')
  })

  it('of more than a row is whole', async () => {
    const description = 'aé漢😀'.repeat(250_000)
    const { api } = await environment({ flags: { long: { enabled: true, description } } })
    const { post } = await somebody()
    const key = newKey()
    const toggle = () => post(`${api}/flags/long/toggle`, key, { enabled: false })
    const first = await value(await toggle())
    expect(first.description === description).toBe(true)
    const again = await toggle()
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect((await value(again)).description === description).toBe(true)
  })

  it('is forgotten after 24 hours, by itself', async () => {
    const { api } = await environment()
    const { post, stub } = await somebody()
    const [key, later] = [newKey(), newKey()]
    await value(await post(`${api}/drill`, key, undefined))
    const begun = Date.now()
    vi.useFakeTimers({ toFake: ['Date'], now: begun + KEPT_MS - 1_000 })
    expect((await post(`${api}/drill`, key, undefined)).headers.get('idempotent-replayed')).toBe('true')
    await value(await post(`${api}/drill`, later, undefined))
    vi.setSystemTime(begun + KEPT_MS)
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await runInDurableObject(stub, keysOf)).toEqual([later])
    const due = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
    expect(due).toBeGreaterThan(begun + KEPT_MS)
    expect((await post(`${api}/drill`, key, undefined)).headers.get('idempotent-replayed')).toBeNull()
  })

  it('is bounded: of one caller the oldest of too many answers go first', async () => {
    const { api } = await environment()
    const { post, stub } = await somebody()
    await runInDurableObject(stub, (_, { storage }) =>
      storage.transactionSync(() => {
        for (let n = 0; n < 10_000; n++)
          storage.sql.exec(
            "INSERT INTO reservations VALUES (?, 'r', 'f', ?, 1)",
            `old-${n}`,
            Date.now() - 20_000 + n,
          )
      }),
    )
    await value(await post(`${api}/drill`, newKey(), undefined))
    const kept = await runInDurableObject(stub, keysOf)
    expect(kept).toHaveLength(10_000)
    expect(kept).not.toContain('old-0')
    expect(kept).toContain('old-1')
  })

  it('goes on where its object does not answer afterwards: the caller gets the answer, and the log says so', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { api } = await environment()
    const IDEMPOTENCY = {
      getByName: () => ({
        begin: async () => ({ verdict: 'begin' }),
        keep: async () => Promise.reject(new Error('gone')),
      }),
    }
    const answer = await postWith({ IDEMPOTENCY }, `${api}/drill`, newKey())
    expect(answer.status).toBe(202)
    expect(warn.mock.calls.flat().join()).toContain('"event":"answer-not-kept"')
  })
})

const keysOf = (_: unknown, { storage }: DurableObjectState): string[] =>
  storage.sql
    .exec<{ key: string }>('SELECT key FROM reservations ORDER BY at, key')
    .toArray()
    .map(({ key }) => key)

describe('judge', () => {
  const known: Reservation = { requestId: 'r1', fingerprint: 'f', atMs: 1_000_000, answered: true }
  const open = { ...known, answered: false }
  const asked = { requestId: 'r2', fingerprint: 'f' }

  it.each([
    ['nothing is known', null, asked, 0, 'begin'],
    ['it was answered', known, asked, KEPT_MS - 1, 'replay'],
    ['it was answered a day ago', known, asked, KEPT_MS, 'begin'],
    ['it was answered, and something else is asked', known, { ...asked, fingerprint: 'g' }, 0, 'key-reused'],
    ['it is under way', open, asked, IN_FLIGHT_MS - 1, 'in-flight'],
    ['it is under way, and something else is asked', open, { ...asked, fingerprint: 'g' }, 0, 'key-reused'],
    ['it is under way, and our own call was repeated', open, { ...asked, requestId: 'r1' }, 0, 'begin'],
    ['it was never answered', open, asked, IN_FLIGHT_MS, 'answer-lost'],
    ['it was never answered, five minutes ago', open, asked, LOST_MS, 'begin'],
    ['the clock was set back', open, asked, -3_600_000, 'in-flight'],
  ] as const)('when %s', (_, reservation, request, afterMs, verdict) => {
    expect(judge(reservation, request, known.atMs + afterMs).verdict).toBe(verdict)
  })
})

describe('a sealed answer', () => {
  it('opens with the credential and for the request that it was sealed for, and in no other way', async () => {
    const sealed = await seal('{"token":"tn_x"} 漢', 'credential', 'about')
    expect(await open(sealed, 'credential', 'about')).toBe('{"token":"tn_x"} 漢')
    expect(await open(sealed, 'credentiaL', 'about')).toBeNull()
    expect(await open(sealed, 'credential', 'another')).toBeNull()
    expect(await open(sealed.with(40, sealed[40]! ^ 1), 'credential', 'about')).toBeNull()
  })

  it('is never the same twice', async () => {
    const [one, other] = [await seal('x', 'c', 'a'), await seal('x', 'c', 'a')]
    expect([...one]).not.toEqual([...other])
  })
})

describe('the OpenAPI page', () => {
  it('names the header and its answers for every POST, and for nothing else', async () => {
    const { operations } = await openApiPage()
    const takes = operations.filter(({ parameters }) =>
      parameters.some((each) => each.in === 'header' && each.name === 'idempotency-key' && !each.required),
    )
    expect(takes.map(({ id }) => id)).toEqual(
      operations.filter(({ method }) => method === 'POST').map(({ id }) => id),
    )
    for (const { id, answers } of takes)
      expect([...answers.keys()], id).toEqual(expect.arrayContaining([400, 409, 422]))
  })
})
