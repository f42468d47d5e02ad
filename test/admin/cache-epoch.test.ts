/** What purges, and what does not: the numbers that edges put into the keys of what they keep. */
import { evictDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { decodeSnapshot } from '../../engine/index.ts'
import { ANY, call, environment, NEW, type TestEnvironment, value } from './client.ts'

const split = { enabled: true, variants: { blue: 1, green: 2 }, off: 'blue', fallthrough: 'blue' }
const DOCUMENT = {
  flags: { release: split, inner: { ...split, tags: ['web'] }, plain: true },
  routes: [
    {
      id: 'web',
      match: {},
      flag: 'release',
      origins: { blue: { url: 'https://blue.example.com' }, green: { url: 'https://green.example.com' } },
      fallback: 'blue',
    },
  ],
}

async function epochs({ stub }: TestEnvironment) {
  const read = await stub.read({ epoch: 0, snapshot: 0, kills: 0 })
  if (!read.ok) throw new Error(read.error.reason)
  const { epoch, snapshot, kills } = read.value
  const text = await stub.snapshot(epoch, snapshot)
  const decoded = decodeSnapshot(text.ok ? text.value : '')
  if (!decoded.ok) throw new Error(decoded.error.message)
  return { version: snapshot, snapshot: decoded.value.cacheEpoch ?? 0, kills: kills?.cacheEpoch }
}

const PUT = { method: 'PUT' }
const kill = (target: string) => ({
  path: `/kills/${encodeURIComponent(target)}`,
  ...PUT,
  body: { reason: 'broken' },
})
type Change = { path: string; method?: string; body?: unknown; headers?: Record<string, string> }

async function make({ api }: TestEnvironment, ...changes: Change[]): Promise<void> {
  for (const { path, ...options } of changes) {
    const response = await call(api + path, { ...options, method: options.method ?? 'POST' })
    expect(response.ok, `${path} ${await response.clone().text()}`).toBe(true)
  }
}

describe('the snapshot purges', () => {
  it.each<[string, ...Change[]]>([
    [
      'an earlier version that is restored',
      { path: '/flags/plain/toggle', body: { enabled: false } },
      { path: '/versions/2/restore', body: {} },
    ],
    ['everybody who is moved to one variant', { path: '/switch', body: { route: 'web', to: 'green' } }],
    ['a flag of a route that is switched', { path: '/switch', body: { flag: 'release', to: 'green' } }],
    [
      'the weights before',
      { path: '/shift', body: { route: 'web', weights: 'blue:1,green:1' } },
      { path: '/shift', body: { route: 'web', previous: true } },
    ],
    ['a route’s flag that goes off', { path: '/flags/release/toggle', body: { enabled: false } }],
  ])('with %s', async (_, ...changes) => {
    const env = await environment(DOCUMENT)
    await make(env, ...changes)
    const { version, snapshot, kills } = await epochs(env)
    expect([snapshot, kills]).toEqual([version, 0])
    // What follows keeps it, whichever way it is compiled.
    await make(env, {
      path: '/flags/plain',
      ...PUT,
      body: { enabled: true, fallthrough: 'off' },
      headers: ANY,
    })
    await make(env, { path: '/segments/staff', ...PUT, body: { include: ['ada'] }, headers: NEW })
    expect(await epochs(env)).toEqual({ version: version + 2, snapshot: version, kills: 0 })
  })

  it('with no other change: edits, steps forward, and flags that no route goes by', async () => {
    const env = await environment(DOCUMENT)
    await make(
      env,
      { path: '/flags/release', method: 'PATCH', body: { fallthrough: { blue: 9, green: 1 } }, headers: ANY },
      { path: '/shift', body: { route: 'web', weights: 'blue:1,green:1' } },
      { path: '/flags/release/toggle', body: { enabled: true } },
      { path: '/flags/inner/toggle', body: { enabled: false } },
      { path: '/switch', body: { flag: 'inner', to: 'green' } },
      { path: '', ...PUT, body: { tier: 1 }, headers: ANY },
    )
    expect(await epochs(env)).toMatchObject({ snapshot: 0, kills: 0 })
  })

  it('with no step back that changes nothing', async () => {
    const env = await environment(DOCUMENT)
    await make(env, { path: '/versions/2/restore', body: {} })
    await make(env, { path: '/flags/plain/toggle', body: { enabled: false } })
    expect(await epochs(env)).toMatchObject({ snapshot: 0 })
  })

  it('as it did when the object has started anew', async () => {
    const env = await environment(DOCUMENT)
    await make(env, { path: '/switch', body: { route: 'web', to: 'green' } })
    const { version } = await epochs(env)
    await evictDurableObject(env.stub)
    await make(env, { path: '/flags/plain/toggle', body: { enabled: false } })
    expect(await epochs(env)).toEqual({ version: version + 1, snapshot: version, kills: 0 })
  })
})

describe('the kill list purges', () => {
  it.each(['route:web', 'flag:release', 'tag:web', 'origin:web/green', 'all-routes', 'all-flags'])(
    'with a kill of %s, and goes on to after its end and drills',
    async (target) => {
      const env = await environment(DOCUMENT)
      await make(env, kill(target))
      expect((await epochs(env)).kills).toBe(1)
      await make(env, { path: `/kills/${encodeURIComponent(target)}`, method: 'DELETE' }, { path: '/drill' })
      expect((await epochs(env)).kills).toBe(1)
    },
  )

  it('with no kill of a flag that no route goes by, and with no drill', async () => {
    const env = await environment(DOCUMENT)
    await make(env, kill('flag:inner'), { path: '/drill' })
    expect((await epochs(env)).kills).toBe(0)
  })

  it('when somebody says so, and the audit log tells', async () => {
    const env = await environment(DOCUMENT)
    const answer = await value(await call(`${env.api}/purge?reason=stale+prices`, { method: 'POST' }))
    expect(answer).toMatchObject({ kill: 1, publishedAt: expect.stringMatching(/Z$/) })
    expect((await epochs(env)).kills).toBe(1)
    const { items } = await value(await call(`/api/v1/audit?environment=${env.name}&limit=1`))
    expect(items[0]).toMatchObject({ action: 'cache.purged', reason: 'stale prices', actor: 'bootstrap' })
  })
})
