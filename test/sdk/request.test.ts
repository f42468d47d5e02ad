/** Flags in the request itself: what is verified, what is refused, and the ways into frameworks. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { SignJWT } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Check } from '../../sdk/client.ts'
import { flagsOfRequest, flagsOnRequest, withFlags } from '../../sdk/middleware.ts'
import { fromRequest, type RequestClient, type RequestOptions } from '../../sdk/request.ts'

const KEY = 'SPaBGzBxQBFvimItc4THzGa7tZq_HDygXxcgHey6IvY'
const OTHER_KEY = 'MNZoZoKLlI3r59F5ifpAUclzE9cbWyjhnLPxIoz3IgQ'
const NOW_MS = Date.UTC(2026, 10, 26, 12, 0, 0)
const NOW = NOW_MS / 1_000

const CLAIMS = {
  iss: 'prod',
  aud: 'shop.example.com',
  sub: 'ada',
  iat: NOW,
  exp: NOW + 60,
  version: 12,
  kills: 3,
  route: 'shop',
  variant: 'canary',
  flags: {
    'new-checkout': [true, 'on', 'SPLIT'],
    title: ['Grüße', 'a', 'STATIC', { owner: 'shop' }],
    limit: [12, 'low', 'DEFAULT'],
    theme: [{ dark: true }, 'dark', 'DEFAULT'],
    list: [[1], 'some', 'STATIC'],
    broken: ['TARGETING_KEY_MISSING'],
    ['__proto__']: [true, 'on', 'STATIC'],
  },
}

/** By another implementation of the standard. */
const mint = (claims: object = {}, key = KEY): Promise<string> =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: 'k1' })
    .sign(new TextEncoder().encode(key))

const carrying = (token: string | null) =>
  new Request('https://shop.example.com/', { headers: token === null ? {} : { 'x-turnout-context': token } })

const read = async (
  token: string | null,
  options: RequestOptions = {},
  keys: string | string[] = KEY,
): Promise<RequestClient> => fromRequest(carrying(token), keys, { nowMs: NOW_MS, ...options })

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

describe('a request that came through the edge', () => {
  it('answers what was decided', async () => {
    const client = await read(await mint())
    expect(client.error).toBeUndefined()
    await client.ready
    expect(client.boolean('new-checkout', false)).toBe(true)
    expect(client.stringDetails('title', '')).toStrictEqual({
      key: 'title',
      value: 'Grüße',
      variant: 'a',
      reason: 'STATIC',
      metadata: { owner: 'shop' },
    })
    expect(client.number('limit', 0)).toBe(12)
    expect(client.object('theme', {})).toStrictEqual({ dark: true })
    expect(client.signed).toMatchObject({ route: 'shop', variant: 'canary', version: 12, sub: 'ada' })
  })

  it('answers the default, with the reason, for what it does not know', async () => {
    const client = await read(await mint())
    expect(client.numberDetails('absent', 3)).toStrictEqual({
      key: 'absent',
      value: 3,
      reason: 'ERROR',
      errorCode: 'FLAG_NOT_FOUND',
    })
    expect(client.booleanDetails('constructor', true)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
    expect(client.booleanDetails('title', true)).toMatchObject({ errorCode: 'TYPE_MISMATCH' })
    expect(client.objectDetails('list', { k: 1 })).toMatchObject({ errorCode: 'TYPE_MISMATCH' })
    expect(client.booleanDetails('broken', true)).toMatchObject({ errorCode: 'TARGETING_KEY_MISSING' })
  })

  it('answers for nobody else', async () => {
    const client = await read(await mint())
    expect(client.boolean('new-checkout', false, { targetingKey: 'ada' })).toBe(true)
    expect(client.booleanDetails('new-checkout', false, { targetingKey: 'bob' })).toMatchObject({
      value: false,
      errorCode: 'INVALID_CONTEXT',
    })
  })

  it('tells of checks, and of whose they are, to those who listen', async () => {
    const client = await read(await mint())
    const checks: Check[] = []
    const stop = client.on('check', (check) => checks.push(check))
    client.boolean('new-checkout', false)
    await Promise.resolve()
    stop()
    client.boolean('new-checkout', false)
    await Promise.resolve()
    expect(checks).toMatchObject([{ key: 'new-checkout', variant: 'on', targetingKey: 'ada' }])
  })

  it('is verified with any of the keys, so that one can be changed', async () => {
    const token = await mint()
    expect((await read(token, {}, [OTHER_KEY, KEY])).error).toBeUndefined()
    expect((await read(token, {}, [KEY, OTHER_KEY])).error).toBeUndefined()
    expect((await read(token, {}, [])).error?.message).toContain('not signed with a key')
  })
})

describe('a request that is not believed', () => {
  const parts = async (): Promise<[string, string, string]> =>
    (await mint()).split('.') as [string, string, string]
  const flipped = (text: string): string => (text[0] === 'A' ? 'B' : 'A') + text.slice(1)

  it.each<[string, () => Promise<string | null> | string | null, RegExp, RequestOptions?]>([
    ['has no context', () => null, /has no x-turnout-context: it did not come through the edge/],
    ['has an empty one', () => '', /is no compact JWS/],
    ['has one of two parts', () => 'e30.e30', /is no compact JWS/],
    ['has one of four parts', async () => `${await mint()}.x`, /is no compact JWS/],
    ['has one that is no base64', () => '%%%.e30.c2ln', /./],
    ['has a header that is no JSON', () => `${base64url('{')}.e30.c2ln`, /JSON/],
    ['has a header that is null', () => `${base64url('null')}.e30.c2ln`, /signed with undefined, not HS256/],
    [
      'is signed by nobody',
      async () => `${base64url('{"alg":"none"}')}.${(await parts())[1]}.c2ln`,
      /signed with "none", not HS256/,
    ],
    [
      'is signed with another algorithm',
      async () => `${base64url('{"alg":"RS256"}')}.${(await parts())[1]}.${(await parts())[2]}`,
      /not HS256/,
    ],
    ['is signed for another origin', () => mint({}, OTHER_KEY), /not signed with a key of this origin/],
    [
      'was changed',
      async () => {
        const [header, , signature] = await parts()
        const payload = base64url(JSON.stringify({ ...CLAIMS, sub: 'eve' }))
        return `${header}.${payload}.${signature}`
      },
      /not signed/,
    ],
    [
      'has another signature',
      async () => {
        const [header, payload, signature] = await parts()
        return `${header}.${payload}.${flipped(signature)}`
      },
      /not signed/,
    ],
    [
      'has a part of its signature',
      async () => (await mint()).slice(0, -22),
      /not signed|base64|decoded|Invalid/,
    ],
    ['has expired', () => mint(), /expired 5 s ago/, { nowMs: NOW_MS + 65_000 }],
    [
      'has expired by a clock that is an hour fast',
      () => mint(),
      /expired 3540 s ago/,
      { nowMs: NOW_MS + 3_600_000 },
    ],
    [
      'is from the future by a clock that is an hour slow',
      () => mint(),
      /3600 s ahead/,
      { nowMs: NOW_MS - 3_600_000 },
    ],
    [
      'is for another host',
      () => mint(),
      /for shop\.example\.com, not for pay\.example\.com/,
      { audience: 'pay.example.com' },
    ],
  ])('%s: defaults, and it says why', async (_, token, message, options) => {
    const client = await read(await token(), options)
    expect(client.error?.message).toMatch(message)
    expect(client.signed).toBeUndefined()
    expect(client.booleanDetails('new-checkout', false)).toStrictEqual({
      key: 'new-checkout',
      value: false,
      reason: 'ERROR',
      errorCode: 'PROVIDER_NOT_READY',
    })
  })

  it('is still in time by clocks that are a little apart', async () => {
    const token = await mint()
    expect((await read(token, { nowMs: NOW_MS + 64_999 })).error).toBeUndefined()
    expect((await read(token, { nowMs: NOW_MS - 5_000 })).error).toBeUndefined()
    expect((await read(token, { nowMs: NOW_MS + 60_000, toleranceSeconds: 0 })).error).toBeDefined()
    expect((await read(token, { audience: 'shop.example.com' })).error).toBeUndefined()
  })

  it('is not believed for an empty key', async () => {
    expect((await read(await mint(), {}, '')).error?.message).toBe('the key of this origin is empty')
  })
})

describe('middleware', () => {
  const options = { nowMs: NOW_MS }

  it('for hono sets c.get("flags"), with a key out of the environment', async () => {
    const app = new Hono<{ Bindings: { KEY: string }; Variables: { flags: RequestClient } }>()
    app.use(flagsOfRequest((c) => (c.env as { KEY: string }).KEY, options))
    app.get('/', (c) => c.text(String(c.get('flags').boolean('new-checkout', false))))
    const answer = await app.fetch(carrying(await mint()), { KEY })
    expect(await answer.text()).toBe('true')
    expect(await (await app.fetch(carrying(null), { KEY })).text()).toBe('false')
  })

  it('for Express and Connect sets request.flags', async () => {
    const middleware = flagsOnRequest(KEY, options)
    const server = createServer((request: IncomingMessage & { flags?: RequestClient }, response) =>
      middleware(request, response, (error) =>
        response.end(String(error ?? request.flags?.boolean('new-checkout', false))),
      ),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const ask = async (headers: Record<string, string>) => (await fetch(url, { headers })).text()
    expect(await ask({ 'x-turnout-context': await mint() })).toBe('true')
    expect(await ask({})).toBe('false')
  })

  it('for fetch handlers hands the flags over, before what the platform gives', async () => {
    const fetch = withFlags(
      (env: { KEY: string }) => env.KEY,
      (request, flags, env, ctx: string) =>
        Response.json([
          new URL(request.url).pathname,
          flags.boolean('new-checkout', false),
          env.KEY.length,
          ctx,
        ]),
      options,
    )
    const answer = await fetch(carrying(await mint()), { KEY }, 'ctx')
    expect(await answer.json()).toStrictEqual(['/', true, KEY.length, 'ctx'])
  })
})
