/** `health/live` and `health/ready`: whether the edge runs, and whether it can decide. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { encodeLastKnownGood, type Kill, lastKnownGoodKey, NO_KILLS } from '../../engine/index.ts'
import {
  Control,
  type Edge,
  ENVIRONMENT,
  refuse,
  site,
  snapshotText,
  startEdge,
  stubOrigins,
} from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'

const ready = async (edge: Edge, key: string | null = null) => {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` }
  const response = await edge.fetch('/.turnout/health/ready', { headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** Only the clock of `Date` is faked: what the edge waits for goes by in real time. */
function fakeDate() {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  return (ms: number) => vi.setSystemTime(Date.now() + ms)
}

const down = (): Control => {
  const control = new Control()
  control.beforeRead = refuse
  return control
}

/** A namespace that holds one copy. */
const holding = (text: string | null) =>
  ({
    get: async (key: string) => (key === lastKnownGoodKey(ENVIRONMENT) ? text : null),
  }) as unknown as KVNamespace

const copy = () =>
  encodeLastKnownGood({
    writtenAtMs: Date.now(),
    kills: NO_KILLS,
    snapshot: snapshotText(site(), { version: 1 }),
  })

describe('live', () => {
  it('is 200 as soon as the edge runs, whatever the control plane does', async () => {
    const edge = await startEdge(null, { control: down() })
    expect((await edge.fetch('/.turnout/health/live')).status).toBe(200)
    expect((await edge.fetch('/.turnout/health/live', { method: 'HEAD' })).status).toBe(200)
  })
})

it.each([
  ['/.turnout/health/live', 'POST', 'GET, HEAD'],
  ['/.turnout/health/ready', 'DELETE', 'GET, HEAD'],
  ['/.turnout/snapshot', 'PUT', 'GET, HEAD'],
  ['/.turnout/stream', 'POST', 'GET, HEAD'],
  ['/.turnout/events', 'GET', 'POST, OPTIONS'],
])('%s with %s says which methods there are', async (path, method, allow) => {
  const edge = await startEdge(site())
  const response = await edge.fetch(path, { method })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe(allow)
  expect(await response.json()).toMatchObject({ status: 405, detail: `${path} takes ${allow}` })
  expect((await edge.fetch(`${path}/more`, { method })).status).toBe(404)
})

describe('ready', () => {
  const KILLS: Kill[] = [
    { target: 'flag:release' },
    { target: 'tag:checkout' },
    { target: 'route:site' },
    { target: 'origin:site/stable/stable.test/base' },
  ]

  it('says to anybody how many kills hold, and names none: a flag may be nobody else’s business', async () => {
    const edge = await startEdge(site(), { kills: KILLS, access: await access() })
    for (const key of [null, CLIENT_KEY, 'an unknown key']) {
      const { status, body } = await ready(edge, key)
      expect(status).toBe(200)
      expect(body).toMatchObject({ version: 1, killsVersion: 1, killCount: 4 })
      expect(JSON.stringify(body)).not.toMatch(/flag:|checkout|site|stable|"kills"/)
    }
  })

  it('names the kills to a server key, and of an origin not its host', async () => {
    const edge = await startEdge(site(), { kills: KILLS, access: await access() })
    const { body } = await ready(edge, SERVER_KEY)
    expect(body.killCount).toBe(4)
    expect(body.kills).toEqual(['flag:release', 'tag:checkout', 'route:site', 'origin:site/stable'])
    expect(JSON.stringify(body)).not.toContain('stable.test')
  })

  it('takes a server key from a header alone', async () => {
    const edge = await startEdge(site(), { kills: KILLS, access: await access() })
    const response = await edge.fetch(`/.turnout/health/ready?key=${SERVER_KEY}`)
    expect(await response.json()).not.toHaveProperty('kills')
  })

  it('names them to everybody where everybody sees every flag: in an open environment of a local run', async () => {
    const open = { open: true, keys: [] }
    const local = await startEdge(site(), { kills: KILLS, access: open, env: { LOCAL: 'true' } })
    expect((await ready(local)).body.kills).toContain('flag:release')
    const deployed = await startEdge(site(), { kills: KILLS, access: open })
    expect((await ready(deployed)).body).not.toHaveProperty('kills')
  })

  it('is 503 without a snapshot and says why', async () => {
    const edge = await startEdge(null, { control: down() })
    const { status, body } = await ready(edge)
    expect(status).toBe(503)
    expect(JSON.stringify(body)).toContain('control plane is down')
  })

  it('is 200 and ready with a snapshot', async () => {
    const edge = await startEdge(site())
    expect(await ready(edge)).toMatchObject({ status: 200, body: { status: 'ready' } })
    expect((await edge.fetch('/.turnout/health/ready', { method: 'HEAD' })).status).toBe(200)
  })

  it('is 200 and degraded while the control plane is gone, and ready again when it is back', async () => {
    const pass = fakeDate()
    const edge = await startEdge(site())
    expect((await ready(edge)).body.status).toBe('ready')
    edge.control.beforeRead = refuse
    pass(3_000)
    expect(await ready(edge)).toMatchObject({ status: 200, body: { status: 'degraded' } })
    edge.control.beforeRead = () => {}
    await vi.waitFor(
      async () => {
        pass(500)
        expect((await ready(edge)).body.status).toBe('ready')
      },
      { timeout: 5_000 },
    )
  })

  it('is degraded on last-known-good, and says so', async () => {
    const edge = await startEdge(null, { control: down(), env: { LAST_KNOWN_GOOD: holding(copy()) } })
    const { status, body } = await ready(edge)
    expect(status).toBe(200)
    expect(body.status).toBe('degraded')
    expect(JSON.stringify(body)).toContain('last-known-good')
  })

  it('is degraded while an unknown snapshot format keeps the last one, and says so', async () => {
    const pass = fakeDate()
    const sent = stubOrigins()
    const edge = await startEdge(site())
    await edge.fetch('/')
    edge.control.publish(site({ match: { path: '/only' } }))
    edge.control.body = edge.control.body.replace('"format":1', '"format":99')
    pass(3_000)
    await edge.fetch('/')
    await vi.waitFor(async () => expect((await ready(edge)).body.status).toBe('degraded'))
    expect(JSON.stringify((await ready(edge)).body)).toMatch(/format/)
    expect((await edge.fetch('/elsewhere')).status).toBe(200)
    expect(sent).toHaveLength(3)
  })

  it('tells no key, no origin and no rule', async () => {
    const edge = await startEdge(site(), {
      access: { open: false, keys: [{ hash: 'f'.repeat(64), kind: 'server' }] },
    })
    expect(JSON.stringify((await ready(edge)).body)).not.toMatch(/stable\.test|ffff|identity cookie key/)
  })
})
