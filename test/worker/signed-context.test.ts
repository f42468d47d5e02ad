/** `x-turnout-context`, from the edge that signs it to the application that answers by it. */
import { describe, expect, it } from 'vitest'
import type { Flag, FlagDocument, Route, ShortFlag } from '../../engine/index.ts'
import { fromRequest } from '../../sdk/request.ts'
import { type EdgeOptions, type Sent, site, startEdge, status, stubOrigins } from './edge.ts'

const SIGNING_KEY = 'a signing key for the tests only, of no other use'
/** HKDF of it for the two origins, worked out by node:crypto. */
const STABLE_KEY = 'SPaBGzBxQBFvimItc4THzGa7tZq_HDygXxcgHey6IvY'
const CANARY_KEY = 'MNZoZoKLlI3r59F5ifpAUclzE9cbWyjhnLPxIoz3IgQ'

const told = {
  stable: { url: 'https://stable.test', context: true },
  canary: { url: 'https://canary.test', context: true },
}
const flags: Record<string, Flag | ShortFlag> = {
  half: { enabled: true, percentage: 50 },
  german: {
    enabled: true,
    rules: [{ id: 'de', when: { attribute: 'geo.country', op: 'equals', value: 'DE' }, serve: 'on' }],
    fallthrough: 'off',
  },
  title: {
    enabled: true,
    variants: { a: 'Grüße 日本 \u{1f600}' },
    off: 'a',
    fallthrough: 'a',
    metadata: { owner: 'shop' },
  },
  theme: { enabled: true, variants: { dark: { dark: true } }, off: 'dark', fallthrough: 'dark' },
}
const document = (route: Partial<Route> = {}, flag: Partial<Flag> = {}): FlagDocument => {
  const made = site({ origins: told, identity: [{ header: 'x-user' }], ...route }, flag)
  return { ...made, flags: { ...made.flags, ...flags } }
}

/** What the origin that answers gets. */
async function routed(
  made: FlagDocument = document(),
  options: EdgeOptions = {},
  headers = { 'x-user': 'ada' },
) {
  const received = stubOrigins()
  const edge = await startEdge(made, { ...options, env: { SIGNING_KEY, ...options.env } })
  await edge.fetch('/', { headers, cf: { country: 'DE' } } as never)
  return { sent: received.at(-1)!, received, edge }
}

const claimsOf = (sent: Sent) =>
  JSON.parse(
    atob(sent.headers.get('x-turnout-context')!.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')),
  )

describe('a signed context', () => {
  it('answers every flag as the edge would, with what the edge knows of the request', async () => {
    const { sent } = await routed()
    const client = await fromRequest(sent, STABLE_KEY)
    expect(client.error).toBeUndefined()
    expect(client.booleanDetails('german', false)).toStrictEqual({
      key: 'german',
      value: true,
      variant: 'on',
      reason: 'TARGETING_MATCH',
      metadata: {},
    })
    expect(client.stringDetails('title', '')).toMatchObject({
      value: 'Grüße 日本 \u{1f600}',
      metadata: { owner: 'shop' },
    })
    expect(client.object('theme', {})).toStrictEqual({ dark: true })
    expect(client.numberDetails('release', 0)).toMatchObject({ value: 1, variant: 'stable' })
    expect(client.signed).toMatchObject({
      iss: 'test',
      aud: 'stable.test',
      sub: 'ada',
      version: 1,
      route: 'site',
    })
  })

  it('decides a share as OFREP does', async () => {
    const { received, edge } = await routed()
    const open = await startEdge(document(), { access: { open: true, keys: [] }, env: { LOCAL: 'true' } })
    for (const user of ['ada', 'bob', 'cleo', 'dan', 'eve']) {
      await edge.fetch('/', { headers: { 'x-user': user } })
      const answer = await open.fetch('/.turnout/ofrep/v1/evaluate/flags/half', {
        method: 'POST',
        body: JSON.stringify({ context: { targetingKey: user } }),
      })
      const { value, reason } = (await answer.json()) as { value: boolean; reason: string }
      const client = await fromRequest(received.at(-1)!, STABLE_KEY)
      expect(client.booleanDetails('half', !value)).toMatchObject({ value, reason })
    }
  })

  it('says what was routed, by override, kill or failover too', async () => {
    const overridden = await routed(
      document({ overrides: { header: { 'x-canary': { true: 'canary' } } } }),
      {},
      { 'x-user': 'ada', 'x-canary': 'true' } as never,
    )
    const byOverride = await fromRequest(overridden.sent, CANARY_KEY)
    expect(byOverride.numberDetails('release', 0)).toMatchObject({
      value: 2,
      variant: 'canary',
      reason: 'STATIC',
    })

    const killed = await routed(document({}, { fallthrough: 'canary' }), {
      kills: [{ target: 'route:site' }],
    })
    const byKill = await fromRequest(killed.sent, STABLE_KEY)
    expect(byKill.numberDetails('release', 0)).toMatchObject({
      value: 1,
      reason: 'DISABLED',
      metadata: { killed: true },
    })
    expect(byKill.signed?.kills).toBe(1)

    const received = stubOrigins({ 'canary.test': status(503) })
    const edge = await startEdge(document({}, { fallthrough: 'canary' }), { env: { SIGNING_KEY } })
    await edge.fetch('/')
    expect(received.map(({ url }) => new URL(url).host)).toStrictEqual(['canary.test', 'stable.test'])
    const byFailover = await fromRequest(received[1]!, STABLE_KEY)
    expect(byFailover.numberDetails('release', 0)).toMatchObject({
      value: 1,
      variant: 'stable',
      reason: 'DEFAULT',
      metadata: { failover: true },
    })
  })

  it('of one origin is worth nothing to another', async () => {
    const { sent } = await routed()
    const client = await fromRequest(sent, CANARY_KEY)
    expect(client.error?.message).toMatch(/was not signed with a key of this origin \(kid "[\w-]{8}"\)/)
    expect(client.booleanDetails('german', false)).toStrictEqual({
      key: 'german',
      value: false,
      reason: 'ERROR',
      errorCode: 'PROVIDER_NOT_READY',
    })
  })

  it('is good for a minute', async () => {
    const { sent } = await routed()
    const { iat, exp } = claimsOf(sent)
    expect(exp - iat).toBe(60)
    expect(Math.abs(iat - Date.now() / 1_000)).toBeLessThan(5)
  })

  it('is told to nobody else: not by an origin without it, not without a key, not by a client', async () => {
    const quiet = await routed(document({ origins: { ...told, stable: { url: 'https://stable.test' } } }))
    expect(quiet.sent.headers.get('x-turnout-context')).toBeNull()
    const unsigned = await routed(document(), { env: { SIGNING_KEY: undefined } as never })
    expect(unsigned.sent.headers.get('x-turnout-variant')).toBe('stable')
    expect(unsigned.sent.headers.get('x-turnout-context')).toBeNull()
    const forged = await routed(
      document({ origins: { ...told, stable: { url: 'https://stable.test' } } }),
      {},
      {
        'x-user': 'ada',
        'x-turnout-context': 'e30.e30.c2ln',
      } as never,
    )
    expect(forged.sent.headers.get('x-turnout-context')).toBeNull()
  })

  it('fits into a header, whatever the number of flags: then only the route’s is in it', async () => {
    const made = document()
    const many = Object.fromEntries(
      Array.from({ length: 240 }, (_, at) => [`flag-with-a-long-name-${at}`, true]),
    )
    const { sent } = await routed({ ...made, flags: { ...made.flags, ...many } })
    expect(sent.headers.get('x-turnout-context')!.length).toBeLessThan(1_000)
    const client = await fromRequest(sent, STABLE_KEY)
    expect(client.number('release', 0)).toBe(1)
    expect(client.booleanDetails('german', false)).toMatchObject({ errorCode: 'PROVIDER_NOT_READY' })
    expect(client.signed?.partial).toBe(true)
    const most = { ...made.flags, ...Object.fromEntries(Object.entries(many).slice(0, 40)) }
    const fits = await routed({ ...made, flags: most })
    expect(fits.sent.headers.get('x-turnout-context')!.length).toBeLessThanOrEqual(6_144 + 44)
    expect((await fromRequest(fits.sent, STABLE_KEY)).boolean('flag-with-a-long-name-39', false)).toBe(true)
  })

  it('says of a flag that it needs a key, where it does', async () => {
    const { sent } = await routed(document(), {}, {} as never)
    const client = await fromRequest(sent, STABLE_KEY)
    expect(client.booleanDetails('half', true)).toMatchObject({
      errorCode: 'TARGETING_KEY_MISSING',
      value: true,
    })
    expect(claimsOf(sent)).not.toHaveProperty('sub')
  })
})

describe('the targeting key', () => {
  const failing = (share: boolean) =>
    document(
      {
        identity: [{ cookie: 'session' }],
        origins: { stable: { ...told.stable, shareCredentials: share }, canary: told.canary },
      },
      { fallthrough: 'canary' },
    )
  const received = async (share: boolean): Promise<[Sent, Sent]> => {
    const all = stubOrigins({ 'canary.test': status(503) })
    const edge = await startEdge(failing(share), { env: { SIGNING_KEY } })
    await edge.fetch('/', { headers: { cookie: 'session=hunter2' } })
    return all as never
  }

  it('is not told to a fallback on another host that does not get the credentials either', async () => {
    const [first, second] = await received(false)
    expect(claimsOf(first).sub).toBe('hunter2')
    expect(claimsOf(second)).not.toHaveProperty('sub')
    expect(second.headers.get('cookie')).toBeNull()
    // It decided all the same.
    expect((await fromRequest(second, STABLE_KEY)).booleanDetails('half', false).reason).not.toBe('ERROR')
  })

  it('is told to one that does', async () => {
    const [, second] = await received(true)
    expect(claimsOf(second).sub).toBe('hunter2')
  })
})
