/** The local client's answers, against an edge that is played by a function. */
import { assert, describe, expect, it } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import type { Check } from '../../sdk/client.ts'
import type { ProcessOptions } from '../../sdk/index.ts'
import { reportOutcomes } from '../../sdk/outcomes.ts'
import { FakeEdge, QUIET, snapshotOf, startClient } from './snapshot-edge.ts'
import { caughtWarnings } from './warnings.ts'

const DOCUMENT: FlagDocument = {
  flags: {
    CONDUIT_USE_REPOSITORY_PATTERN: { enabled: true },
    'new-feature': { enabled: true, percentage: 50, allowlist: ['ada'] },
    title: { enabled: true, variants: { a: 'Shop', b: 'Store' }, off: 'b', fallthrough: 'a' },
    limit: {
      enabled: true,
      variants: { low: 12, high: 99 },
      off: 'low',
      rules: [
        { id: 'pro', when: { attribute: 'plan', op: 'equals', value: 'pro' }, serve: 'high' },
        { id: 'half', percentage: 50, serve: 'high' },
      ],
      fallthrough: 'low',
      metadata: { owner: 'shop' },
    },
    theme: { enabled: true, variants: { dark: { dark: true }, off: {} }, fallthrough: 'dark' },
    list: { enabled: true, variants: { some: ['a'], off: [] }, fallthrough: 'some' },
  },
}

const start = (edge: FakeEdge, options: Partial<ProcessOptions> = {}) =>
  startClient(edge, { ...QUIET, ...options })

const warned = caughtWarnings()

describe('the local client', () => {
  it('asks for the snapshot by its server key, and answers anybody from memory', async () => {
    const edge = new FakeEdge(DOCUMENT)
    const client = start(edge, { url: 'https://edge.example.com/' })
    await client.ready
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', false)).toBe(true)
    expect(client.boolean('new-feature', false, { targetingKey: 'ada' })).toBe(true)
    expect(client.string('title', 'none')).toBe('Shop')
    expect(client.number('limit', 1, { plan: 'pro' })).toBe(99)
    expect(client.object('theme', {})).toStrictEqual({ dark: true })
    expect(client.object('list', [])).toStrictEqual(['a'])
    expect(client.numberDetails('limit', 1, { targetingKey: 'user-1', plan: 'pro' })).toStrictEqual({
      key: 'limit',
      value: 99,
      variant: 'high',
      reason: 'TARGETING_MATCH',
      metadata: { owner: 'shop' },
    })
    expect(edge.asked).toHaveLength(1)
    expect(edge.asked[0]).toMatchObject({
      path: 'snapshot',
      headers: { authorization: 'Bearer tk_server_x' },
    })
    expect([client.state, client.error]).toStrictEqual(['7-1-0', undefined])
  })

  it('answers the default, with the reason, for what it does not know', async () => {
    const client = start(new FakeEdge(DOCUMENT))
    const failed = (key: string, value: unknown, errorCode: string) => ({
      key,
      value,
      reason: 'ERROR',
      errorCode,
    })
    expect(client.string('title', 'none')).toBe('none')
    expect(client.stringDetails('title', 'none')).toStrictEqual(failed('title', 'none', 'PROVIDER_NOT_READY'))
    await client.ready
    expect(client.number('absent', 3)).toBe(3)
    expect(client.numberDetails('absent', 3)).toStrictEqual(failed('absent', 3, 'FLAG_NOT_FOUND'))
    for (const key of ['constructor', '__proto__', 'toString', ''])
      expect(client.booleanDetails(key, true)).toStrictEqual(failed(key, true, 'FLAG_NOT_FOUND'))
    expect(client.boolean('title', true)).toBe(true)
    expect(client.booleanDetails('title', true)).toStrictEqual(failed('title', true, 'TYPE_MISMATCH'))
    expect(client.objectDetails('theme', ['a'])).toMatchObject({ value: ['a'], errorCode: 'TYPE_MISMATCH' })
    expect(client.objectDetails('list', {})).toMatchObject({ value: {}, errorCode: 'TYPE_MISMATCH' })
    expect(client.object('list', { a: 1 })).toStrictEqual({ a: 1 })
  })

  it('serves the flag to whom has no targeting key, and says that it is missing', async () => {
    const client = start(new FakeEdge(DOCUMENT))
    await client.ready
    expect(client.number('limit', 1)).toBe(12)
    expect(client.numberDetails('limit', 1)).toStrictEqual({
      key: 'limit',
      value: 12,
      variant: 'low',
      reason: 'DEFAULT',
      errorCode: 'TARGETING_KEY_MISSING',
      metadata: { owner: 'shop' },
    })
  })

  it('adds the context of a check to its own, and the check wins', async () => {
    const client = start(new FakeEdge(DOCUMENT), { context: { plan: 'pro', targetingKey: 'server-1' } })
    await client.ready
    expect(client.number('limit', 1)).toBe(99)
    expect(client.numberDetails('limit', 1, { targetingKey: 'user-1' }).reason).toBe('TARGETING_MATCH')
    expect(client.numberDetails('limit', 1, { targetingKey: 'ada', plan: 'free' }).reason).not.toBe(
      'TARGETING_MATCH',
    )
  })

  it.each([
    ['throws', Object.defineProperty({}, 'plan', { enumerable: true, get: () => assert.fail('no') })],
    [
      'throws for its key',
      Object.defineProperty({}, 'targetingKey', { enumerable: true, get: () => assert.fail('no') }),
    ],
    ['is null', null],
    ['is a text', 'user-1'],
    ['is a number', 3],
  ])('gives an answer for a context that %s', async (_, context) => {
    for (const own of [undefined, { plan: 'free' }]) {
      const client = start(new FakeEdge(DOCUMENT), own && { context: own })
      await client.ready
      client.on('check', () => {})
      expect([1, 12]).toContain(client.number('limit', 1, context as never))
      expect(client.numberDetails('limit', 1, context as never).value).toBeOneOf([1, 12])
    }
  })

  it('tells of each check, and for whom it was', async () => {
    const client = start(new FakeEdge(DOCUMENT), { context: { targetingKey: 'server-1' } })
    await client.ready
    const checks: Check[] = []
    const off = client.on('check', (check) => checks.push(check))
    client.boolean('new-feature', false, { targetingKey: 'ada' })
    client.number('absent', 3)
    await Promise.resolve()
    expect(
      checks.map(({ key, value, variant, reason, targetingKey }) => [
        key,
        value,
        variant,
        reason,
        targetingKey,
      ]),
    ).toStrictEqual([
      ['new-feature', true, 'on', 'TARGETING_MATCH', 'ada'],
      ['absent', 3, undefined, 'ERROR', 'server-1'],
    ])
    off()
    client.boolean('new-feature', false)
    await Promise.resolve()
    expect(checks).toHaveLength(2)
  })

  it('counts an exposure for each targeting key', async () => {
    const client = start(new FakeEdge(DOCUMENT))
    await client.ready
    const bodies: unknown[] = []
    const outcomes = reportOutcomes(client, {
      url: 'https://edge.example.com',
      key: 'tk_server_x',
      fetch: (async (_: unknown, init: RequestInit) => {
        bodies.push(JSON.parse(String(init.body)))
        return new Response(null, { status: 202 })
      }) as typeof fetch,
    })
    for (const targetingKey of ['ada', 'grace', 'ada']) client.string('title', 'none', { targetingKey })
    await Promise.resolve()
    await outcomes.flush()
    outcomes.close()
    expect(bodies).toMatchObject([{ flags: [{ flag: 'title', variant: 'a', exposures: 2 }] }])
  })

  it('goes on where a listener throws', async () => {
    const client = start(new FakeEdge(DOCUMENT))
    await client.ready
    const caught: unknown[] = []
    const heard: unknown[] = []
    const listener = (error: unknown) => caught.push(error)
    process.prependOnceListener('uncaughtException', listener)
    const others = process.listeners('uncaughtException').filter((each) => each !== listener)
    for (const other of others) process.off('uncaughtException', other)
    client.on('check', () => {
      throw new Error('a mistake of the application')
    })
    client.on('check', ({ key }) => heard.push(key))
    expect(client.string('title', 'none')).toBe('Shop')
    await new Promise((go) => setImmediate(go))
    for (const other of others) process.on('uncaughtException', other)
    expect(heard).toStrictEqual(['title'])
    expect(caught).toHaveLength(1)
  })

  it('hands out values that nobody can change for the next', async () => {
    const client = start(new FakeEdge(DOCUMENT))
    await client.ready
    const theme = client.object<{ dark?: boolean }>('theme', {})
    expect(() => {
      theme.dark = false
    }).toThrow(TypeError)
    expect(client.object('theme', {})).toStrictEqual({ dark: true })
  })
})

describe('what changes', () => {
  const flag = (extra = {}) => ({ enabled: true, ...extra })
  const document = (flags: FlagDocument['flags'], segments: FlagDocument['segments'] = {}): FlagDocument => ({
    flags: {
      plain: flag({ tags: ['shop'], rules: [], fallthrough: 'on' }),
      staffed: flag({
        rules: [{ id: 'staff', when: { segment: 'staff' }, serve: 'on' }],
        fallthrough: 'off',
      }),
      depending: flag({ prerequisites: [{ flag: 'plain', variants: ['on'] }], fallthrough: 'on' }),
      ...flags,
    },
    segments: { staff: { include: ['ada'] }, ...segments },
  })

  async function changesOf(before: FlagDocument, change: (edge: FakeEdge) => void) {
    const edge = new FakeEdge(before)
    const client = start(edge)
    await client.ready
    const changes: (readonly string[])[] = []
    client.on('change', (keys) => changes.push([...keys].sort()))
    change(edge)
    await client.refresh()
    await client.refresh()
    return changes
  }

  it('is told by key: flags that are others, new ones and those that are gone', async () => {
    const before = document({ other: flag(), gone: flag() })
    const changes = await changesOf(before, (edge) =>
      edge.publish(document({ other: flag({ percentage: 3 }), added: flag() })),
    )
    expect(changes).toStrictEqual([['added', 'depending', 'gone', 'other']])
  })

  it.each([
    ['a kill', (edge: FakeEdge) => edge.kill({ target: 'flag:staffed' })],
    ['a segment', (edge: FakeEdge) => edge.publish(document({}, { staff: { include: ['grace'] } }))],
  ])('may be every flag where %s changes', async (_, change) => {
    expect(await changesOf(document({}), change)).toStrictEqual([['depending', 'plain', 'staffed']])
  })

  it('is every flag at first, and nothing while all is the same', async () => {
    const edge = new FakeEdge(document({}))
    const client = start(edge)
    const events: unknown[] = []
    client.on('change', (keys) => events.push(keys.length))
    client.on('ready', () => events.push('ready'))
    await client.ready
    await client.refresh()
    expect(events).toStrictEqual([3, 'ready'])
    expect(edge.snapshots.map(({ headers }) => headers['if-none-match'])[1]).toBe('"7-1-0"')
  })

  it('is no flag that is only damaged in its text, and such a one costs nothing but its own answer', async () => {
    const edge = new FakeEdge(document({}))
    const { snapshot } = edge.delivery
    edge.delivery = {
      ...edge.delivery,
      snapshot: { ...snapshot, flags: new Map([...snapshot.flags, ['plain', '{"enabled":tr']]) },
    }
    const client = start(edge)
    await client.ready
    expect(client.booleanDetails('plain', true)).toMatchObject({ value: true, errorCode: 'GENERAL' })
    client.on('change', () => {})
    edge.kill({ target: 'flag:staffed' })
    await client.refresh()
    expect(client.booleanDetails('staffed', true)).toMatchObject({ value: false, reason: 'DISABLED' })
    expect(warned).toHaveLength(0)
  })
})

describe('an answer that is older', () => {
  it('takes nothing back, neither a version nor a kill', async () => {
    const edge = new FakeEdge(DOCUMENT)
    const client = start(edge)
    await client.ready
    const before = edge.delivery
    edge.publish({ flags: { ...DOCUMENT.flags, limit: true } })
    edge.kill({ target: 'flag:CONDUIT_USE_REPOSITORY_PATTERN' })
    await client.refresh()
    edge.delivery = before
    await client.refresh()
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', true)).toBe(false)
    expect(client.boolean('limit', false)).toBe(true)
    expect(client.state).toBe('7-2-1')
  })

  it('gives the part of it that is newer', async () => {
    const edge = new FakeEdge(DOCUMENT)
    const client = start(edge)
    const first = edge.delivery
    edge.kill({ target: 'flag:CONDUIT_USE_REPOSITORY_PATTERN' })
    await client.ready
    edge.delivery = { ...first, snapshot: snapshotOf({ flags: { ...DOCUMENT.flags, limit: true } }, 2) }
    await client.refresh()
    expect(client.state).toBe('7-2-1')
    expect(client.boolean('CONDUIT_USE_REPOSITORY_PATTERN', true)).toBe(false)
    expect(client.boolean('limit', false)).toBe(true)
  })

  it('is taken all the same from another environment: the address leads there now', async () => {
    const edge = new FakeEdge(DOCUMENT)
    edge.publish(DOCUMENT)
    const client = start(edge)
    await client.ready
    const snapshot = snapshotOf({ flags: { title: true } }, 1, { epoch: 2, environment: 'stage' })
    edge.delivery = { ...edge.delivery, snapshot }
    await client.refresh()
    expect(client.boolean('title', false)).toBe(true)
    expect(client.state).toBe('2-1-0')
  })

  it('is no matter in a later epoch, whose versions begin anew', async () => {
    const edge = new FakeEdge(DOCUMENT)
    edge.publish(DOCUMENT)
    const client = start(edge)
    await client.ready
    edge.delivery = { ...edge.delivery, snapshot: snapshotOf({ flags: { title: true } }, 1, { epoch: 8 }) }
    await client.refresh()
    expect(client.boolean('title', false)).toBe(true)
  })
})
