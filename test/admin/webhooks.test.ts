import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_ENDED, MAX_PENDING } from '../../admin/storage/delivery-queue.ts'
import { MAX_WEBHOOKS } from '../../admin/webhook/definition.ts'
import { type AuditEvent, eventId } from '../../admin/webhook/event.ts'
import { signaturesOf } from '../../admin/webhook/signature.ts'
import { call, environment, problem, value } from './client.ts'
import { auditEvent } from './webhook-events.ts'

const stub = env.WEBHOOKS.getByName('webhooks')
const API = '/api/v1/webhooks'

/** One request that a target got. */
interface Got {
  url: string
  headers: Record<string, string>
  body: string
  init: RequestInit
}

type Target = (got: Got) => Response | Promise<Response>

/** Targets by host, and what they got; any other host cannot be reached. */
const targets = new Map<string, Target>()
let got: Got[] = []
/** Lines of the log. */
let logged: string[] = []
let made = 0

beforeEach(() => {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    const request = { url: String(url), body: String(init?.body), init: init as RequestInit }
    const headers = Object.fromEntries(new Headers(init?.headers as HeadersInit))
    got.push({ ...request, headers })
    const target = targets.get(new URL(request.url).host)
    if (target === undefined) throw new TypeError(`connection to ${request.url} refused`)
    return target({ ...request, headers })
  })
  for (const level of ['warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line: string) => void logged.push(line))
})

afterEach(async () => {
  for (const { id } of await stub.list()) await call(`${API}/${id}`, { method: 'DELETE' })
  // Whatever still hangs has its end.
  if (vi.isFakeTimers()) await passTime(10_000)
  vi.useRealTimers()
  targets.clear()
  got = []
  logged = []
  vi.restoreAllMocks()
})

/** A target of its own host that answers so. */
function target(answer: Target): string {
  const host = `receiver-${++made}.example.com`
  targets.set(host, answer)
  return `https://${host}/hooks/a-secret-path`
}

const ok = (): Response => new Response('fine')
const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new Response('oh', { status: code, headers })

/** Answers these in turn, and the last one from then on. */
function inTurn(...answers: Target[]): Target {
  return (request) => (answers.length > 1 ? answers.shift()! : answers[0]!)(request)
}

/** A webhook that hears of kills only, unless something else is said. */
const webhook = async (body: object) =>
  value(await call(API, { body: { name: 'test', events: ['kill.*'], ...body } }))

const deliveries = async (id: string, query = '') =>
  (await value(await call(`${API}/${id}/deliveries${query}`))).items

const bodiesTo = (url: string) => got.filter((one) => one.url === url).map(({ body }) => JSON.parse(body))
const seqsTo = (url: string) => bodiesTo(url).map(({ data }) => data.seq)

/** Lets timers of the object ring, which only it may hear. */
const passTime = (ms: number) => runInDurableObject(stub, () => void vi.advanceTimersByTime(ms))

/** Lets time pass and the alarm ring. */
async function goOn(ms: number): Promise<void> {
  const at = Date.now() + ms
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(at)
  await runDurableObjectAlarm(stub)
}

const HOUR_MS = 3_600_000
const author = { actor: 'test', reason: null, requestId: null, address: null }
const settled = { interval: 5 }

describe('a webhook', () => {
  it('is told once of each event that it asked for, signed', async () => {
    const url = target(ok)
    const { id, secret } = await webhook({ url, environments: ['*.prod'] })
    const event = auditEvent({ environment: 'shop.prod' })
    const others = [
      auditEvent({ environment: 'shop.dev' }),
      auditEvent({ action: 'flag.updated', environment: 'shop.prod' }),
    ]
    await stub.enqueue([event, ...others, event])
    await stub.enqueue([event])
    await expect.poll(() => deliveries(id), settled).toMatchObject([{ status: 'delivered' }])
    await runDurableObjectAlarm(stub)
    expect(bodiesTo(url)).toEqual([{ type: 'kill.placed', timestamp: event.at, data: event }])

    const [{ headers, body, init }] = got as [Got]
    expect(init).toMatchObject({ method: 'POST', redirect: 'manual' })
    expect(headers['content-type']).toBe('application/json')
    expect(headers['webhook-id']).toBe(eventId(event))
    const timestamp = Number(headers['webhook-timestamp'])
    expect(Math.abs(timestamp - Date.now() / 1000)).toBeLessThan(60)
    expect(headers['webhook-signature']).toBe(await signaturesOf([secret], eventId(event), timestamp, body))
  })

  it('shows what was told, and how it went', async () => {
    const { id } = await webhook({ url: target(ok) })
    const event = auditEvent({})
    await stub.enqueue([event])
    await expect
      .poll(() => deliveries(id), settled)
      .toEqual([
        {
          id: expect.any(Number),
          status: 'delivered',
          event: {
            id: eventId(event),
            environment: 'dev',
            seq: event.seq,
            action: 'kill.placed',
            subject: 'kill:flag:new-feature',
            at: event.at,
          },
          attempts: 1,
          lastAttempts: [
            {
              at: expect.stringMatching(/Z$/),
              durationMs: expect.any(Number),
              status: 200,
              problem: null,
              answer: null,
            },
          ],
          problem: null,
          nextAttemptAt: null,
          createdAt: expect.stringMatching(/Z$/),
          endedAt: expect.stringMatching(/Z$/),
        },
      ])
  })

  it('of Slack or PagerDuty is told in their forms', async () => {
    const slack = target(ok)
    await webhook({ url: slack, format: 'slack' })
    targets.set('events.pagerduty.com', status(202))
    const { events } = await value(
      await call(API, { body: { name: 'pager', format: 'pagerduty', routingKey: 'R'.repeat(32) } }),
    )
    expect(events).toEqual(['kill.*', 'origin.*'])
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(2)
    expect(bodiesTo(slack)[0].text).toContain('Kill placed: flag:new-feature')
    expect(bodiesTo('https://events.pagerduty.com/v2/enqueue')[0]).toMatchObject({
      routing_key: 'R'.repeat(32),
      event_action: 'trigger',
    })
  })

  it('can be changed, and what is left out stays', async () => {
    const url = target(ok)
    const { id, ...before } = await webhook({ url, environments: ['dev'] })
    const patched = await value(await call(`${API}/${id}`, { method: 'PATCH', body: { name: 'other' } }))
    expect(patched).toMatchObject({
      name: 'other',
      environments: ['dev'],
      events: ['kill.*'],
      host: before.host,
    })
    const moved = target(ok)
    await value(await call(`${API}/${id}`, { method: 'PATCH', body: { url: moved } }))
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => bodiesTo(moved).length, settled).toBe(1)
    expect(bodiesTo(url)).toEqual([])
  })

  it('that is disabled hears of nothing, and what waited for it is dead', async () => {
    const url = target(status(500))
    const { id } = await webhook({ url })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => deliveries(id), settled).toMatchObject([{ status: 'pending', attempts: 1 }])
    await value(await call(`${API}/${id}`, { method: 'PATCH', body: { enabled: false } }))
    await stub.enqueue([auditEvent({})])
    await goOn(HOUR_MS)
    expect(await deliveries(id)).toMatchObject([{ status: 'dead', problem: 'the webhook was disabled' }])
    expect(got).toHaveLength(1)
  })

  it('that is deleted is gone with its deliveries', async () => {
    const { id } = await webhook({ url: target(status(500)) })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(1)
    expect((await call(`${API}/${id}`, { method: 'DELETE' })).status).toBe(204)
    await problem(await call(`${API}/${id}`), 404)
    await problem(await call(`${API}/${id}/deliveries`), 404)
    await goOn(HOUR_MS)
    expect(got).toHaveLength(1)
  })

  it('is listed with the others, newest first, page by page', async () => {
    const ids: string[] = []
    for (const name of ['a', 'b', 'c']) ids.unshift((await webhook({ name, url: target(ok) })).id)
    const first = await value(await call(`${API}?limit=2`))
    const second = await value(await call(`${API}?limit=2&cursor=${first.nextCursor}`))
    const listed = [...first.items, ...second.items].map(({ id }: { id: string }) => id)
    expect(listed.sort()).toEqual(ids.sort())
    expect(second.nextCursor).toBeNull()
  })

  it('is one of 50 at most', async () => {
    for (let n = 0; n < MAX_WEBHOOKS; n++)
      await stub.create({ name: 'x', format: 'json', url: 'https://a.example.com/' }, author)
    const refused = await problem(await call(API, { body: { name: 'one more', url: target(ok) } }), 422)
    expect(refused.errors[0]?.message).toContain('50')
  })

  it.each([
    [{ url: 'https://a.example.com/' }, '$.name'],
    [{ name: 'x' }, '$.url'],
    [{ name: 'x', url: 5 }, '$.url'],
    [{ name: 'x', url: 'https://user:password@a.example.com/' }, '$.url'],
    [{ name: 'x', url: 'https://a.example.com/#token' }, '$.url'],
    [{ name: 'x', url: 'https://a.example.com/', format: 'teams' }, '$.format'],
    [{ name: 'x', url: 'https://a.example.com/', events: [] }, '$.events'],
    [{ name: 'x', url: 'https://a.example.com/', events: ['Kill Placed'] }, '$.events[0]'],
    [{ name: 'x', url: 'https://a.example.com/', events: ['kill.*', 'kill.place'] }, '$.events[1]'],
    [{ name: 'x', url: 'https://a.example.com/', events: ['kil.*'] }, '$.events[0]'],
    [{ name: 'x', url: 'https://a.example.com/', environments: ['', 'dev'] }, '$.environments[0]'],
    [{ name: 'x', url: 'https://a.example.com/', routingKey: 'R'.repeat(32) }, '$.routingKey'],
    [{ name: 'x', url: 'https://a.example.com/', secret: 'mine' }, '$.secret'],
    [{ name: 'x', format: 'pagerduty' }, '$.routingKey'],
    [{ name: 'x', format: 'pagerduty', routingKey: 'short' }, '$.routingKey'],
  ])('%j is refused at %s', async (body, path) => {
    const refused = await problem(await call(API, { body }), 422)
    expect(refused.errors.map((error) => error.path)).toEqual([path])
    expect(await stub.list()).toEqual([])
  })

  it('cannot be changed into what would be refused', async () => {
    const { id } = await webhook({ url: target(ok) })
    for (const [body, path] of [
      [{ url: 'https://user:password@a.example.com/' }, '$.url'],
      [{ routingKey: 'R'.repeat(32) }, '$.routingKey'],
      [{ format: 'slack' }, '$.format'],
      [{ events: null }, '$.events'],
      [{ events: ['rollout.*'] }, '$.events[0]'],
    ] as const) {
      const refused = await problem(await call(`${API}/${id}`, { method: 'PATCH', body }), 422)
      expect(refused.errors.map((error) => error.path)).toEqual([path])
    }
  })

  it('that does not exist is 404 everywhere', async () => {
    const { id } = await webhook({ url: target(ok) })
    for (const [path, options] of [
      ['/wh_0', {}],
      ['/wh_0', { method: 'PATCH', body: { name: 'x' } }],
      ['/wh_0', { method: 'DELETE' }],
      ['/wh_0/test', { method: 'POST' }],
      ['/wh_0/rotate-secret', { method: 'POST' }],
      ['/wh_0/deliveries', {}],
      ['/wh_0/deliveries/1/replay', { method: 'POST' }],
      [`/${id}/deliveries/999999/replay`, { method: 'POST' }],
      [`/${id}/deliveries/__proto__/replay`, { method: 'POST' }],
    ] as const)
      await problem(await call(`${API}${path}`, options), 404)
  })
})

describe('a delivery that fails', () => {
  it('is tried again after up to 5 s, until it is accepted', async () => {
    const url = target(inTurn(status(500), ok))
    const { id } = await webhook({ url })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => deliveries(id), settled).toMatchObject([{ status: 'pending', attempts: 1 }])
    const [waiting] = await deliveries(id)
    expect(waiting).toMatchObject({ problem: 'answered 500', lastAttempts: [{ status: 500, answer: 'oh' }] })
    expect(Date.parse(waiting.nextAttemptAt) - Date.now()).toBeLessThanOrEqual(5_000)
    expect(await value(await call(`${API}/${id}`))).toMatchObject({ failing: true, pending: 1, dead: 0 })
    await goOn(5_001)
    await expect
      .poll(() => deliveries(id), settled)
      .toMatchObject([{ status: 'delivered', attempts: 2, problem: null }])
    expect(await value(await call(`${API}/${id}`))).toMatchObject({ failing: false, pending: 0 })
    const [first, second] = got as [Got, Got]
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
    expect(second.body).toBe(first.body)
    expect(Number(second.headers['webhook-timestamp'])).toBeGreaterThan(
      Number(first.headers['webhook-timestamp']),
    )
  })

  it('is a dead letter after a day, remembers its last five attempts, and goes out again when replayed', async () => {
    const answers = inTurn(...Array.from({ length: 30 }, () => status(503)), ok)
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const { id } = await webhook({ url: target(answers) })
    await stub.enqueue([auditEvent({})])
    for (let tried = 1; tried <= 25; tried++) {
      await expect.poll(() => got.length, settled).toBe(tried)
      await expect.poll(async () => (await deliveries(id))[0].attempts, settled).toBe(tried)
      await goOn(HOUR_MS)
    }
    expect(await deliveries(id, '?status=dead')).toMatchObject([
      { status: 'dead', attempts: 25, problem: 'answered 503', nextAttemptAt: null },
    ])
    const [dead] = await deliveries(id, '?status=dead')
    expect(dead.lastAttempts).toHaveLength(5)
    expect(await deliveries(id, '?status=delivered')).toEqual([])
    expect(got).toHaveLength(25)

    targets.set(new URL(got[0]!.url).host, ok)
    const replayed = await value(await call(`${API}/${id}/deliveries/${dead.id}/replay`, { method: 'POST' }))
    expect(replayed).toMatchObject({ id: dead.id, status: 'pending', attempts: 0 })
    await expect.poll(() => deliveries(id), settled).toMatchObject([{ status: 'delivered', attempts: 1 }])
  })

  it('is a dead letter at once if the target can never take it', async () => {
    const { id } = await webhook({ url: target(status(400)) })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => deliveries(id), settled).toMatchObject([{ status: 'dead', attempts: 1 }])
    expect(logged.join()).toContain('webhook-dead-letter')
  })

  it('follows no redirect', async () => {
    const elsewhere = target(ok)
    const { id } = await webhook({ url: target(status(302, { location: elsewhere })) })
    await stub.enqueue([auditEvent({})])
    await expect
      .poll(() => deliveries(id), settled)
      .toMatchObject([{ status: 'pending', problem: 'answered 302: redirects are not followed' }])
    expect(bodiesTo(elsewhere)).toEqual([])
  })

  it('because nobody answers says so', async () => {
    const { id } = await webhook({ url: 'https://nowhere.example.com/hooks/a-secret-path' })
    await stub.enqueue([auditEvent({})])
    await expect
      .poll(() => deliveries(id), settled)
      .toMatchObject([
        {
          status: 'pending',
          problem: 'no answer: connection to [secret] refused',
          lastAttempts: [{ status: null }],
        },
      ])
  })

  it('because the target hangs is over after 10 s', async () => {
    const { id } = await webhook({ url: target(() => new Promise(() => {})) })
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(1)
    await passTime(9_990)
    expect(got[0]!.init.signal?.aborted).toBe(false)
    await passTime(10)
    expect(got[0]!.init.signal?.aborted).toBe(true)
    await expect
      .poll(() => deliveries(id), settled)
      .toMatchObject([{ status: 'pending', attempts: 1, problem: 'no answer: nothing within 10 s' }])
  })

  it('gives the webhook the rest that its target asks for', async () => {
    const url = target(inTurn(status(429, { 'retry-after': '600' }), ok))
    const { id } = await webhook({ url })
    await stub.enqueue([auditEvent({ subject: 'kill:flag:a' })])
    await expect.poll(() => deliveries(id), settled).toMatchObject([{ attempts: 1 }])
    const { pausedUntil } = await value(await call(`${API}/${id}`))
    expect(Date.parse(pausedUntil) - Date.now()).toBeGreaterThan(590_000)
    await stub.enqueue([auditEvent({ subject: 'kill:flag:b' })])
    await goOn(590_000)
    expect(got).toHaveLength(1)
    await goOn(11_000)
    await expect.poll(() => deliveries(id, '?status=delivered'), settled).toHaveLength(2)
    expect(await value(await call(`${API}/${id}`))).toMatchObject({ pausedUntil: null })
  })

  it('because the target is gone disables the webhook and gives up the rest; other webhooks hear of it', async () => {
    const told = target(ok)
    await webhook({ url: told, events: ['webhook.disabled'] })
    const { id } = await webhook({ url: target(status(410)) })
    await stub.enqueue(['a', 'a', 'a', 'b'].map((key) => auditEvent({ subject: `kill:flag:${key}` })))
    await expect
      .poll(async () => (await stub.get(id)) as unknown, settled)
      .toMatchObject({
        value: { enabled: false, disabledReason: 'the target answered 410 Gone', pending: 0, dead: 4 },
      })
    await expect
      .poll(() => bodiesTo(told), settled)
      .toMatchObject([{ type: 'webhook.disabled', data: { subject: `webhook:${id}`, actor: 'turnout' } }])
    await stub.enqueue([auditEvent({})])
    const enabled = await value(await call(`${API}/${id}`, { method: 'PATCH', body: { enabled: true } }))
    expect(enabled).toMatchObject({ enabled: true, disabledReason: null, failing: false, dead: 4 })
  })
})

describe('deliveries of one webhook', () => {
  it('about one subject go out in order, each after the one before', async () => {
    const url = target(inTurn(status(500), ok))
    const { id } = await webhook({ url })
    const placed = auditEvent({})
    const lifted = auditEvent({ action: 'kill.lifted' })
    const other = auditEvent({ subject: 'kill:flag:other' })
    await stub.enqueue([placed, lifted, other])
    await expect.poll(() => deliveries(id, '?status=delivered'), settled).toHaveLength(1)
    expect(seqsTo(url)).toEqual([placed.seq, other.seq])
    const [waiting] = (await deliveries(id, '?status=pending')).filter(
      ({ event }: { event: { seq: number } }) => event.seq === lifted.seq,
    )
    expect(waiting).toMatchObject({ attempts: 0, nextAttemptAt: null })
    await goOn(5_001)
    await expect.poll(() => deliveries(id, '?status=delivered'), settled).toHaveLength(3)
    expect(seqsTo(url)).toEqual([placed.seq, other.seq, placed.seq, lifted.seq])
  })

  it('do not wait for one that was given up', async () => {
    const url = target(inTurn(status(422), ok))
    const { id } = await webhook({ url })
    await stub.enqueue([auditEvent({}), auditEvent({ action: 'kill.lifted' })])
    await expect
      .poll(() => deliveries(id), settled)
      .toMatchObject([{ status: 'delivered' }, { status: 'dead' }])
  })

  it('wait for no other webhook, whatever its target does', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    const hangs = () => new Promise<Response>(() => {})
    for (let n = 0; n < 4; n++) {
      await webhook({ url: target(inTurn(status(500), hangs)), environments: [`slow-${n}`] })
      await stub.enqueue([auditEvent({ environment: `slow-${n}` })])
    }
    await expect.poll(async () => (await stub.list()).every(({ failing }) => failing), settled).toBe(true)
    for (const n of [0, 1, 2, 3])
      for (const key of ['a', 'b'])
        await stub.enqueue([auditEvent({ environment: `slow-${n}`, subject: `kill:flag:${key}` })])
    await expect.poll(() => got.length, settled).toBe(4 + 3)
    const quick = target(ok)
    await webhook({ url: quick, environments: ['dev'] })
    await stub.enqueue(['a', 'b', 'c', 'd'].map((key) => auditEvent({ subject: `kill:flag:${key}` })))
    await expect.poll(() => bodiesTo(quick).length, settled).toBe(4)
    expect(got).toHaveLength(4 + 3 + 4)
    await passTime(10_000)
    // The fourth gets its turn, and nothing hangs on.
    await expect.poll(() => got.length, settled).toBeGreaterThan(4 + 3 + 4)
  })

  it('are made again 15 s after an attempt that was lost', async () => {
    // Its time limit never rings, as if the object had died: test/e2e/webhooks.test.ts kills it.
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    const url = target(inTurn(() => new Promise(() => {}), ok))
    const { id } = await webhook({ url })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(1)
    await goOn(14_000)
    expect(got).toHaveLength(1)
    await goOn(1_000)
    await expect.poll(() => deliveries(id), settled).toMatchObject([{ status: 'delivered' }])
    expect(seqsTo(url)).toHaveLength(2)
  })

  it('are forgotten a week after they were delivered, dead ones after a month', async () => {
    const { id } = await webhook({ url: target(inTurn(status(400), ok)) })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => deliveries(id, '?status=dead'), settled).toHaveLength(1)
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => deliveries(id, '?status=delivered'), settled).toHaveLength(1)
    await goOn(7 * 24 * HOUR_MS - HOUR_MS)
    expect(await deliveries(id)).toHaveLength(2)
    await goOn(HOUR_MS + 1)
    expect(await deliveries(id)).toMatchObject([{ status: 'dead' }])
    await goOn(23 * 24 * HOUR_MS)
    expect(await deliveries(id)).toEqual([])
  })

  it('that wait are 2 000 at most: one more is dead at once, and says why', async () => {
    const { id } = await webhook({ url: target(status(500, { 'retry-after': '3600' })) })
    const many = Array.from({ length: MAX_PENDING }, (_, n) => auditEvent({ subject: `kill:flag:f${n}` }))
    await stub.enqueue(many)
    await expect.poll(() => got.length, settled).toBeGreaterThan(0)
    const last = auditEvent({})
    await stub.enqueue([last, last])
    expect(await deliveries(id, '?status=dead')).toMatchObject([
      { event: { seq: last.seq }, attempts: 0, problem: 'never tried: 2000 others were waiting already' },
    ])
    await stub.enqueue(
      Array.from({ length: MAX_ENDED }, (_, n) => auditEvent({ subject: `kill:flag:g${n}` })),
    )
    const { pending, dead } = await value(await call(`${API}/${id}`))
    expect({ pending, dead }).toEqual({ pending: MAX_PENDING, dead: MAX_ENDED })
  })

  it('come page by page, newest first', async () => {
    const { id } = await webhook({ url: target(ok) })
    const events = Array.from({ length: 5 }, () => auditEvent({}))
    await stub.enqueue(events)
    await expect.poll(() => deliveries(id, '?status=delivered'), settled).toHaveLength(5)
    const seen: number[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: { event: { seq: number } }[]; nextCursor: string | null } = await value(
        await call(`${API}/${id}/deliveries?limit=2${cursor && `&cursor=${cursor}`}`),
      )
      seen.push(...page.items.map(({ event }) => event.seq))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(events.map(({ seq }) => seq).reverse())
    await problem(await call(`${API}/${id}/deliveries?status=lost`), 422)
  })

  it('are not replayed while they are pending, nor to a disabled webhook', async () => {
    const { id } = await webhook({ url: target(status(500)) })
    await stub.enqueue([auditEvent({})])
    const [{ id: n }] = await deliveries(id)
    const path = `${API}/${id}/deliveries/${n}/replay`
    expect((await problem(await call(path, { method: 'POST' }), 422)).errors[0]?.message).toContain('pending')
    await call(`${API}/${id}`, { method: 'PATCH', body: { enabled: false } })
    expect((await problem(await call(path, { method: 'POST' }), 422)).errors[0]?.message).toContain(
      'disabled',
    )
  })
})

describe('the secret of a webhook', () => {
  const signatureOf = async (secret: string, { headers, body }: Got) =>
    signaturesOf([secret], headers['webhook-id']!, Number(headers['webhook-timestamp']), body)

  it('signs beside the new one for a day after a rotation, and then no longer', async () => {
    const { id, secret: old } = await webhook({ url: target(ok) })
    const { secret, previousSecretUntil } = await value(
      await call(`${API}/${id}/rotate-secret`, { method: 'POST' }),
    )
    expect(Math.abs(Date.parse(previousSecretUntil) - Date.now() - 24 * HOUR_MS)).toBeLessThan(60_000)
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(1)
    expect(got[0]!.headers['webhook-signature']).toBe(
      `${await signatureOf(secret, got[0]!)} ${await signatureOf(old, got[0]!)}`,
    )
    await goOn(24 * HOUR_MS + 1)
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(2)
    expect(got[1]!.headers['webhook-signature']).toBe(await signatureOf(secret, got[1]!))
    expect((await value(await call(`${API}/${id}`))).previousSecretUntil).toBeNull()
  })

  it('ends at once with an overlap of 0', async () => {
    const { id } = await webhook({ url: target(ok) })
    const rotate = (seconds: number) =>
      call(`${API}/${id}/rotate-secret?overlapSeconds=${seconds}`, { method: 'POST' })
    const { secret } = await value(await rotate(0))
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(1)
    expect(got[0]!.headers['webhook-signature']).toBe(await signatureOf(secret, got[0]!))
    await problem(await rotate(-1), 422)
    await problem(await rotate(8 * 86_400), 422)
  })

  it('and the rest that is secret leave only as they must', async () => {
    const routingKey = 'abcdefghijklmnopqrstuvwxyz012345'
    const path = '/services/T0123456/B0123456/abcdefghijklmnopqrst'
    const echo: Target = ({ url, body, headers }) => {
      if (got.length % 2 === 0) throw new TypeError(`fetch ${url} failed: ${body}`)
      return new Response(`no ${url} ${body} ${JSON.stringify(headers)}`, { status: 500 })
    }
    targets.set('echo.example.com', echo)
    const url = `https://echo.example.com${path}`
    const answered: string[] = []
    const ask = async (at: string, options: object = {}) => {
      const text = await (await call(at, options)).text()
      answered.push(text)
      return JSON.parse(text)
    }
    const made = [
      await webhook({ url, format: 'pagerduty', routingKey }),
      await webhook({ url, format: 'slack' }),
      await webhook({ url }),
    ]
    const rotated = await value(await call(`${API}/${made[2].id}/rotate-secret`, { method: 'POST' }))
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => got.length, settled).toBe(3)
    await ask(API)
    for (const { id } of made) {
      await ask(`${API}/${id}/test`, { method: 'POST' })
      await ask(`${API}/${id}`, { method: 'PATCH', body: { url } })
      await ask(`${API}/${id}`, { method: 'PATCH', body: { url: `${url}?x=1` } })
      await ask(`${API}/${id}`, { method: 'PATCH', body: { routingKey: `${routingKey}!` } })
      await expect.poll(async () => (await deliveries(id))[0].attempts, settled).toBeGreaterThan(0)
      await ask(`${API}/${id}/deliveries`)
      await ask(`${API}/${id}`)
    }
    await ask(API, { body: { name: 'x', url: `${url}#x`, routingKey } })
    const log = await (await call('/api/v1/audit/export?environment=@webhooks')).text()
    const seen = [...answered, log, ...logged].join('\n')
    expect(seen).toContain('webhook.updated')
    expect(seen).toContain('webhook-failing')
    const secrets = [...made, rotated].map(({ secret }) => secret)
    for (const secret of [routingKey, path, 'abcdefghijklmnopqrst', 'T0123456', 'whsec_', ...secrets])
      expect(seen).not.toContain(secret)
    for (const { secret } of made.slice(0, 2))
      expect(got.map(({ body }) => body).join()).not.toContain(secret)
  })
})

describe('a test of a webhook', () => {
  it('sends an event that tells of nothing, enabled or not, and answers what came of it', async () => {
    const url = target(inTurn(ok, status(404)))
    const { id, secret } = await webhook({ url, enabled: false })
    const test = async () => value(await call(`${API}/${id}/test`, { method: 'POST' }))
    expect(await test()).toMatchObject({ status: 200, problem: null, answer: null })
    expect(await test()).toMatchObject({ status: 404, problem: 'answered 404', answer: 'oh' })
    expect(bodiesTo(url)[0]).toMatchObject({
      type: 'webhook.test',
      data: { subject: `webhook:${id}`, actor: 'bootstrap' },
    })
    const [{ headers, body }] = got as [Got]
    expect(headers['webhook-signature']).toBe(
      await signaturesOf([secret], headers['webhook-id']!, Number(headers['webhook-timestamp']), body),
    )
    expect(await deliveries(id)).toEqual([])
  })
})

describe('the audit log', () => {
  it('has what was done to webhooks, in a chain of its own that other webhooks hear of', async () => {
    const told = target(ok)
    await webhook({ name: 'watcher', url: told, events: ['webhook.*'] })
    const reason = { 'x-turnout-reason': 'trying it' }
    const { id } = await webhook({ url: target(status(400)) })
    await call(`${API}/${id}`, { method: 'PATCH', body: { environments: ['dev'] }, headers: reason })
    await call(`${API}/${id}/rotate-secret`, { method: 'POST' })
    await stub.enqueue([auditEvent({})])
    await expect.poll(() => deliveries(id, '?status=dead'), settled).toHaveLength(1)
    const [{ id: n }] = await deliveries(id)
    await call(`${API}/${id}/deliveries/${n}/replay`, { method: 'POST' })
    await call(`${API}/${id}`, { method: 'DELETE' })

    const query = `environment=@webhooks&subject=webhook:${id}`
    const { items } = await value(await call(`/api/v1/audit?${query}`))
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'webhook.deleted',
      'webhook.replayed',
      'webhook.secret-rotated',
      'webhook.updated',
      'webhook.created',
    ])
    expect(items[3]).toMatchObject({ actor: 'bootstrap', reason: 'trying it', environment: null })
    expect(items[3].changes[0].patch).toContainEqual({ op: 'replace', path: '/environments/0', value: 'dev' })
    expect(await value(await call('/api/v1/audit/verify?environment=@webhooks'))).toMatchObject({
      valid: true,
    })
    const everything = await value(await call('/api/v1/audit?limit=1000'))
    expect(everything.items.map(({ hash }: { hash: string }) => hash)).toContain(items[0].hash)
    await expect
      .poll(() => bodiesTo(told).map(({ data }) => data.action), settled)
      .toContain('webhook.deleted')
  })

  it('of an environment is handed over, every entry once', async () => {
    const url = target(ok)
    const made = await environment({ flags: { beta: true } })
    const { id } = await webhook({ url, events: ['*'], environments: [made.name] })
    await value(await call(`${made.api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'broken' } }))
    await call(`${made.api}/kills/flag:beta`, { method: 'DELETE' })
    await value(await call(`${made.api}/flags/beta/toggle`, { body: { enabled: false } }))
    await expect
      .poll(async () => {
        await runDurableObjectAlarm(made.stub)
        return (await deliveries(id, '?status=delivered')).length
      }, settled)
      .toBeGreaterThanOrEqual(3)
    const log = await value(await call(`/api/v1/audit?environment=${made.name}`))
    const told = bodiesTo(url).map(({ data }) => data as AuditEvent)
    const entries = log.items.filter(({ seq }: AuditEvent) => told.some((event) => event.seq === seq))
    expect(told.map(({ action }) => action).sort()).toEqual(
      expect.arrayContaining(['kill.lifted', 'kill.placed']),
    )
    expect([...told].sort((a, b) => b.seq - a.seq)).toEqual(entries)
    expect(new Set(told.map(({ seq }) => seq)).size).toBe(told.length)
  })

  it('of the control plane is handed over too', async () => {
    const url = target(ok)
    await webhook({ url, events: ['token.*'] })
    const name = `t-${crypto.randomUUID().slice(0, 8)}`
    await value(await call('/api/v1/tokens', { body: { name, role: 'viewer' } }))
    await expect
      .poll(async () => {
        await runDurableObjectAlarm(env.PROJECT.getByName('project'))
        return bodiesTo(url).map(({ data }) => data.subject)
      }, settled)
      .toContain(`token:${name}`)
  })
})

describe('access to webhooks', () => {
  const token = async (given: object) =>
    (
      await value(
        await call('/api/v1/tokens', { body: { name: `t-${crypto.randomUUID().slice(0, 8)}`, ...given } }),
      )
    ).token as string

  const calls = (id: string) =>
    [
      ['GET', API, 'viewer'],
      ['GET', `${API}/${id}`, 'viewer'],
      ['GET', `${API}/${id}/deliveries`, 'viewer'],
      ['POST', API, 'admin'],
      ['PATCH', `${API}/${id}`, 'admin'],
      ['POST', `${API}/${id}/test`, 'admin'],
      ['POST', `${API}/${id}/rotate-secret`, 'admin'],
      ['POST', `${API}/${id}/deliveries/1/replay`, 'admin'],
      ['DELETE', `${API}/${id}`, 'admin'],
    ] as const

  it('is for viewers to read and for admins to write', async () => {
    const { id } = await webhook({ url: target(ok) })
    for (const role of ['viewer', 'operator', 'editor'] as const) {
      const headers = { authorization: `Bearer ${await token({ role })}` }
      for (const [method, path, needed] of calls(id)) {
        const body = method === 'POST' || method === 'PATCH' ? { body: {} } : {}
        const response = await call(path, { method, headers, ...body })
        expect([method, path, response.status]).toEqual([method, path, needed === 'viewer' ? 200 : 403])
      }
    }
  })

  it('is for nobody who may act in some environments only', async () => {
    const { id } = await webhook({ url: target(ok) })
    const headers = { authorization: `Bearer ${await token({ role: 'admin', environments: ['dev'] })}` }
    for (const [method, path] of calls(id)) {
      const body = { name: 'x', url: 'https://a.example.com/' }
      const sent =
        method === 'PATCH' ? { body: { name: 'x' } } : path === API && method === 'POST' ? { body } : {}
      await problem(await call(path, { method, headers, ...sent }), 403)
    }
  })
})
