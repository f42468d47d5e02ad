/** The test kit: what tests say is what code is answered, and what code asked is what tests find. */
import { describe, expect, it } from 'vitest'
import type { Client } from '../../sdk/client.ts'
import { reportOutcomes } from '../../sdk/outcomes.ts'
import { createRemoteClient } from '../../sdk/remote.ts'
import { createTestClient, failing, variant } from '../../sdk/testing.ts'

const client = () =>
  createTestClient({
    flags: { 'new-feature': true, checkout: 'v2', limit: 10, retry: { times: 3 }, sizes: [1, 2] },
  })

describe('a test client', () => {
  it('answers what the test says, of every type', () => {
    const flags = client()
    expect([
      flags.boolean('new-feature', false),
      flags.string('checkout', 'v1'),
      flags.number('limit', 1),
      flags.object('retry', { times: 0 }),
      flags.object('sizes', []),
    ]).toStrictEqual([true, 'v2', 10, { times: 3 }, [1, 2]])
    expect(flags.booleanDetails('new-feature', false)).toStrictEqual({
      key: 'new-feature',
      value: true,
      variant: 'on',
      reason: 'STATIC',
    })
  })

  it.each([
    ['FLAG_NOT_FOUND', 'a key that it was not told of', 'toString', 'x'],
    ['TYPE_MISMATCH', 'a text asked for as a number', 'checkout', 3],
    ['TYPE_MISMATCH', 'a list asked for as an object', 'sizes', { of: 'shoes' }],
  ])('answers the default and %s for %s, as real clients do', (errorCode, _, key, value) => {
    const flags = client()
    const details =
      typeof value === 'object'
        ? flags.objectDetails(key, value)
        : typeof value === 'number'
          ? flags.numberDetails(key, value)
          : flags.stringDetails(key, value)
    expect(details).toStrictEqual({ key, value, reason: 'ERROR', errorCode })
  })

  it('can fail as an edge does that is away', () => {
    const flags = createTestClient({ flags: { checkout: failing('PROVIDER_NOT_READY') } })
    expect(flags.stringDetails('checkout', 'v1')).toStrictEqual({
      key: 'checkout',
      value: 'v1',
      reason: 'ERROR',
      errorCode: 'PROVIDER_NOT_READY',
    })
  })

  it('answers by the context where the test gives a function, and knows nothing where that gives nothing', () => {
    const flags = createTestClient({
      context: { plan: 'free' },
      flags: {
        checkout: ({ plan, targetingKey }) =>
          plan === 'pro' ? variant('canary', 'v2') : targetingKey === 'ada' ? 'v3' : undefined,
      },
    })
    expect(flags.stringDetails('checkout', 'v1', { plan: 'pro' })).toMatchObject({
      value: 'v2',
      variant: 'canary',
    })
    expect(flags.stringDetails('checkout', 'v1', { targetingKey: 'ada' })).toMatchObject({
      value: 'v3',
      reason: 'TARGETING_MATCH',
    })
    expect(flags.stringDetails('checkout', 'v1')).toMatchObject({ value: 'v1', errorCode: 'FLAG_NOT_FOUND' })
  })

  it('lets a mistake in the test be one', () => {
    const flags = createTestClient({
      flags: {
        checkout: () => {
          throw new Error('no such plan')
        },
      },
    })
    expect(() => flags.string('checkout', 'v1')).toThrow('no such plan')
  })
})

describe('for every value and every default', () => {
  const values: Record<string, boolean | string | number | object> = {
    ...{
      yes: true,
      text: 'on',
      empty: '',
      zero: 0,
      half: 0.5,
      list: [1],
      none: [],
      object: { a: 1 },
      bare: {},
    },
  }
  const defaults = [false, 'off', 7, ['x'], { b: 2 }]

  it('a test client answers as the remote client does', () => {
    const flags = Object.entries(values).map(([key, value]) => ({
      key,
      value,
      variant: 'v',
      reason: 'STATIC',
    }))
    const remote = createRemoteClient({
      url: 'https://edge.example.com',
      bootstrap: { flags },
      stream: false,
      storage: null,
    })
    const test = createTestClient({ flags: values })
    const answers = (client: Client) =>
      [...Object.keys(values), 'absent', '__proto__'].flatMap((key) =>
        defaults.map((value) => {
          const { value: answer, errorCode } = client.objectDetails(key, value as object)
          return { key, value, answer, errorCode }
        }),
      )
    expect(answers(test)).toStrictEqual(answers(remote))
    remote.close()
  })
})

describe('checks', () => {
  it('are kept in their order, with default, context and answer', () => {
    const flags = client()
    flags.boolean('new-feature', false, { targetingKey: 'ada' })
    flags.number('nothing', 7)
    expect(flags.checks).toStrictEqual([
      {
        ...{ key: 'new-feature', value: true, variant: 'on', reason: 'STATIC' },
        ...{ defaultValue: false, context: { targetingKey: 'ada' } },
      },
      { key: 'nothing', value: 7, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND', defaultValue: 7 },
    ])
  })

  it('are told to listeners, so that outcomes have a variant', async () => {
    const flags = client()
    const sent: string[] = []
    const outcomes = reportOutcomes(flags, {
      url: 'http://edge.example.com',
      fetch: async (_, init) => {
        sent.push(String(init?.body))
        return new Response()
      },
    })
    outcomes.watch('new-feature', () => flags.boolean('new-feature', false, { targetingKey: 'ada' }))
    await Promise.resolve()
    await outcomes.flush()
    expect(JSON.parse(sent[0]!).flags).toMatchObject([{ flag: 'new-feature', exposures: 1, ok: 1 }])
  })
})

describe('overrides', () => {
  it('hold until they are reset, with all that was asked', () => {
    const flags = client()
    flags.set('checkout', 'v9')
    flags.set('brand-new', true)
    flags.unset('limit')
    expect(flags.string('checkout', '')).toBe('v9')
    expect(flags.boolean('brand-new', false)).toBe(true)
    expect(flags.number('limit', -1)).toBe(-1)
    flags.reset()
    expect(flags.checks).toStrictEqual([])
    expect(flags.string('checkout', '')).toBe('v2')
    expect(flags.booleanDetails('brand-new', false).errorCode).toBe('FLAG_NOT_FOUND')
    expect(flags.number('limit', -1)).toBe(10)
  })

  it('around work end with it, whether it returns or throws, and leave other changes alone', () => {
    const flags = client()
    const inside = flags.with({ checkout: 'v5', 'brand-new': true }, () => {
      flags.set('limit', 11)
      return flags.string('checkout', '') + flags.boolean('brand-new', false)
    })
    expect(inside).toBe('v5true')
    expect(() =>
      flags.with({ checkout: 'v6' }, () => {
        throw new Error(flags.string('checkout', ''))
      }),
    ).toThrow('v6')
    expect([flags.string('checkout', ''), flags.number('limit', 0)]).toStrictEqual(['v2', 11])
    expect(flags.booleanDetails('brand-new', false).errorCode).toBe('FLAG_NOT_FOUND')
  })

  it('around asynchronous work end when its promise has settled', async () => {
    const flags = client()
    let proceed = () => {}
    const gate = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const work = flags.with({ checkout: 'v5' }, async () => {
      await gate
      return flags.string('checkout', '')
    })
    expect(flags.string('checkout', '')).toBe('v5')
    proceed()
    expect(await work).toBe('v5')
    expect(flags.string('checkout', '')).toBe('v2')
    await expect(flags.with({ checkout: 'v7' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(flags.string('checkout', '')).toBe('v2')
  })
})

describe('events', () => {
  it('say at once which flags changed, and nothing where none did', () => {
    const flags = client()
    const changes: (readonly string[])[] = []
    const stop = flags.on('change', (keys) => changes.push(keys))
    flags.set('checkout', 'v2')
    flags.set('checkout', 'v3')
    flags.with({ limit: 1, retry: { times: 4 } }, () => {})
    flags.reset()
    expect(changes).toStrictEqual([['checkout'], ['limit', 'retry'], ['limit', 'retry'], ['checkout']])
    stop()
    flags.set('checkout', 'v4')
    expect(changes).toHaveLength(4)
  })

  it('say that it is ready, once, to those who listen from the start', async () => {
    const flags = client()
    let times = 0
    flags.on('ready', () => {
      times += 1
    })
    await flags.ready
    expect(times).toBe(1)
  })

  it('are over when it is closed; checks go on', () => {
    const flags = client()
    let changes = 0
    flags.on('change', () => {
      changes += 1
    })
    flags.close()
    flags.set('checkout', 'v3')
    expect([changes, flags.string('checkout', '')]).toStrictEqual([0, 'v3'])
  })
})
