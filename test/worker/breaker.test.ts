/** Circuit breakers in the request's way: broken origins are left alone, and nobody is refused because of it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import {
  CANARY,
  canarySite,
  type Edge,
  hangs,
  hello,
  hostOf,
  type Origin,
  refused,
  STABLE,
  startEdge,
  status,
  stubOrigins,
} from './edge.ts'

let nowMs: number
beforeEach(() => {
  nowMs = Date.now()
  vi.spyOn(Date, 'now').mockImplementation(() => nowMs)
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => vi.restoreAllMocks())

/** An edge whose snapshot stays fresh, however the clock is set. */
async function edgeOf(document: FlagDocument): Promise<Edge> {
  return startEdge(document, { env: { SNAPSHOT_MAX_AGE_MS: '60000', SNAPSHOT_MAX_STALE_MS: '60000' } })
}

const get = (edge: Edge, times = 1) => many(edge, times, {})
async function many(edge: Edge, times: number, init: RequestInit): Promise<number[]> {
  const codes: number[] = []
  for (let n = 0; n < times; n += 1) {
    const response = await edge.fetch('/', init)
    await response.text()
    codes.push(response.status)
  }
  return codes
}

/** Hosts that were asked since the last call. */
function asked(origins: Record<string, Origin>) {
  const sent = stubOrigins(origins)
  return () => sent.splice(0).map((request) => hostOf(request)!.replace('.test', ''))
}

it('leaves an origin alone after five connections in a row that it refused', async () => {
  const hosts = asked({ 'canary.test': refused })
  const edge = await edgeOf(canarySite())
  expect(await get(edge, 5)).toEqual([200, 200, 200, 200, 200])
  expect(hosts().filter((host) => host === 'canary')).toHaveLength(5)
  expect(await get(edge, 20)).toEqual(Array(20).fill(200))
  expect(hosts()).toEqual(Array(20).fill('stable'))
})

it('leaves an origin alone after ten answers of which half were failures', async () => {
  let answers = 0
  const half: Origin = (request, sent) => {
    answers += 1
    return answers % 2 === 0 ? status(500)(request, sent) : hello(request, sent)
  }
  const hosts = asked({ 'canary.test': half })
  const edge = await edgeOf(canarySite())
  await get(edge, 10)
  expect(hosts()).toEqual(Array(10).fill('canary'))
  await get(edge, 5)
  expect(hosts()).toEqual(Array(5).fill('stable'))
})

it('answers of the 4xx kind, and redirects, are no failures', async () => {
  const hosts = asked({ 'canary.test': status(429) })
  const edge = await edgeOf(canarySite())
  await get(edge, 40)
  expect(hosts()).toEqual(Array(40).fill('canary'))
})

it('sends a POST, with its body, to the fallback of a broken origin: it was never attempted', async () => {
  const sent = stubOrigins({ 'canary.test': refused })
  const edge = await edgeOf(canarySite())
  await get(edge, 5)
  sent.splice(0)
  const body = new ReadableStream({
    type: 'bytes',
    start(controller) {
      controller.enqueue(new TextEncoder().encode('once'))
      controller.close()
    },
  })
  const response = await edge.fetch('/', { method: 'POST', body })
  expect(response.status).toBe(200)
  expect(sent.map(({ url, body: text }) => [url, text])).toEqual([[`${STABLE}/`, 'once']])
})

it('keeps credentials from the fallback of a broken origin on another host, unless it may have them', async () => {
  for (const [shareCredentials, seen] of [
    [false, null],
    [true, 'Bearer x'],
  ] as const) {
    const sent = stubOrigins({ 'canary.test': refused })
    const origins = { stable: { url: STABLE, shareCredentials }, canary: { url: CANARY } }
    const edge = await edgeOf(canarySite({ origins }))
    await get(edge, 5)
    sent.splice(0)
    await many(edge, 1, { headers: { authorization: 'Bearer x' } })
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual([seen])
  }
})

it.each([
  ['names', { openai: { fallback: 'anthropic' }, anthropic: { fallback: 'local' }, local: {} }],
  ['priorities', { openai: { priority: 1 }, anthropic: { priority: 2 }, local: { priority: 3 } }],
])('follows a chain by %s past every broken origin, each with numbers of its own', async (_, links) => {
  const chain: FlagDocument = {
    flags: {
      llm: {
        enabled: true,
        variants: { openai: 1, anthropic: 2, local: 3 },
        off: 'local',
        fallthrough: 'openai',
      },
    },
    routes: [
      {
        id: 'llm',
        match: {},
        flag: 'llm',
        origins: {
          openai: { ...links.openai, url: 'https://openai.test', breaker: { openMs: 30_000 } },
          anthropic: { ...links.anthropic, url: 'https://anthropic.test', breaker: { openMs: 45_000 } },
          local: { ...links.local, url: 'https://local.test', breaker: { failureRate: 0.7, openMs: 60_000 } },
        },
        fallback: 'local',
      },
    ],
  }
  const hosts = asked({ 'openai.test': refused, 'anthropic.test': refused })
  const edge = await edgeOf(chain)
  await get(edge, 5)
  hosts()
  expect(await get(edge, 2)).toEqual([200, 200])
  expect(hosts()).toEqual(['local', 'local'])
  // openai recovers after 30 s, anthropic only after 45 s.
  nowMs += 39_000
  await get(edge, 1)
  expect(hosts()).toEqual(['openai', 'local'])
})

it('gives a recovering origin a share that rises, and everything in the end', async () => {
  let broken = true
  const hosts = asked({
    'canary.test': (request, sent) => (broken ? refused(request, sent) : hello(request, sent)),
  })
  const edge = await edgeOf(canarySite())
  await get(edge, 5)
  hosts()
  broken = false
  nowMs += 30_000 + 4_999
  await get(edge, 1)
  expect(hosts()).toEqual(['stable'])
  nowMs += 2
  await get(edge, 1)
  expect(hosts()).toEqual(['canary'])
  nowMs += 5_000
  vi.mocked(Math.random).mockReturnValue(0.999)
  await get(edge, 3)
  expect(hosts()).toEqual(['canary', 'canary', 'canary'])
})

it('ignores the breakers where every origin of a route is broken', async () => {
  const hosts = asked({ 'canary.test': refused, 'stable.test': refused })
  const edge = await edgeOf(canarySite())
  await get(edge, 5)
  hosts()
  expect(await get(edge, 2)).toEqual([502, 502])
  expect(hosts()).toEqual(['stable', 'stable'])
})

it('never moves what has no fallback', async () => {
  const hosts = asked({ 'canary.test': refused })
  const origins = { stable: { url: STABLE }, canary: { url: CANARY, fallback: null } }
  const edge = await edgeOf(canarySite({ origins }))
  await get(edge, 8)
  expect(hosts()).toEqual(Array(8).fill('canary'))
})

it('serves the variant of a kill, broken or not: the others are what was killed', async () => {
  const hosts = asked({ 'canary.test': refused })
  const edge = await edgeOf(canarySite())
  await get(edge, 5)
  hosts()
  edge.control.kill({ target: 'flag:release', variant: 'canary' })
  nowMs += 60_001
  await get(edge, 5)
  hosts()
  expect(await get(edge, 2)).toEqual([502, 502])
  expect(hosts()).toEqual(['canary', 'canary'])
})

it('leaves a killed origin alone at once, and asks it again when the kill is over', async () => {
  const hosts = asked({})
  const edge = await edgeOf(canarySite())
  await get(edge, 1)
  edge.control.kill({ target: 'origin:site/canary' })
  nowMs += 60_001
  await get(edge, 1)
  hosts()
  expect(await get(edge, 2)).toEqual([200, 200])
  expect(hosts()).toEqual(['stable', 'stable'])
  edge.control.kill()
  nowMs += 60_001
  await get(edge, 1)
  hosts()
  await get(edge, 1)
  expect(hosts()).toEqual(['canary'])
})

it('asks an origin again whose breaker was closed by hand, once, and goes by what it then finds', async () => {
  let broken = true
  const hosts = asked({ 'canary.test': (request, sent) => (broken ? refused : hello)(request, sent) })
  const long = { openMs: 3_600_000, maxOpenMs: 3_600_000 }
  const edge = await edgeOf(canarySite({ breaker: long }))
  await get(edge, 6)
  expect(hosts().at(-1)).toBe('stable')
  const refreshed = async () => {
    nowMs += 60_001
    await get(edge, 1)
    return hosts()
  }
  broken = false
  edge.control.close('site/other')
  await refreshed()
  expect(await refreshed()).toEqual(['stable'])
  edge.control.close('site/canary')
  await refreshed()
  expect(await refreshed()).toEqual(['canary'])
  broken = true
  await get(edge, 6)
  hosts()
  edge.control.publish(canarySite({ breaker: long }))
  await refreshed()
  expect(await refreshed()).toEqual(['stable'])
})

it('leaves one member of a pool alone that is killed', async () => {
  const hosts = asked({})
  const pool = [{ url: 'https://one.test/base' }, { url: 'https://two.test' }]
  const origins = { stable: { url: STABLE }, canary: { pool, strategy: 'failover' as const } }
  const edge = await startEdge(canarySite({ origins }), {
    kills: [{ target: 'origin:site/canary/one.test/base' }],
  })
  await get(edge, 2)
  expect(hosts()).toEqual(['two', 'two'])
  const other = await startEdge(canarySite({ origins }), { kills: [{ target: 'origin:site/canary' }] })
  await get(other, 1)
  expect(hosts()).toEqual(['stable'])
})

it('remembers through new versions, and forgets with new settings', async () => {
  const long = { openMs: 3_600_000, maxOpenMs: 3_600_000 }
  const hosts = asked({ 'canary.test': refused })
  const edge = await edgeOf(canarySite({ breaker: long }))
  await get(edge, 5)
  hosts()
  const next = async (document: FlagDocument) => {
    edge.control.publish(document)
    nowMs += 60_001
    await get(edge, 1)
    return hosts()
  }
  expect(await next(canarySite({ breaker: long, debug: true }))).toEqual(['stable'])
  expect(await next(canarySite({ breaker: { ...long, openMs: 1_000 } }))).toEqual(['canary', 'stable'])
})

it('has none where the document says so', async () => {
  const hosts = asked({ 'canary.test': refused })
  const edge = await edgeOf(canarySite({ breaker: false }))
  await get(edge, 8)
  expect(hosts().filter((host) => host === 'canary')).toHaveLength(8)
})

it('spends at most a fifth of an arm’s requests on second tries, and ten in any case', async () => {
  const hosts = asked({ 'canary.test': status(503) })
  const edge = await edgeOf(canarySite({ breaker: false }))
  await get(edge, 100)
  expect(hosts().filter((host) => host === 'stable')).toHaveLength(20)
  nowMs += 10_000
  await get(edge, 12)
  expect(hosts().filter((host) => host === 'stable')).toHaveLength(10)
})

it('counts a time limit that ran out as no answer', async () => {
  vi.mocked(Date.now).mockRestore()
  const hosts = asked({ 'canary.test': hangs })
  const edge = await startEdge(canarySite({ timeoutMs: 20, deadlineMs: 1_000 }))
  await get(edge, 5)
  hosts()
  await get(edge, 1)
  expect(hosts()).toEqual(['stable'])
})

it('leaves alone what the isolates of its location found broken, before it has seen it fail', async () => {
  vi.mocked(Date.now).mockRestore()
  const hosts = asked({})
  const edge = await startEdge(canarySite())
  edge.control.broken = { 'site/canary': 20_000 }
  await vi.waitFor(async () => {
    await get(edge, 1)
    expect(hosts()).toEqual(['stable'])
  }, 5_000)
})
