/** Whatever comes in, `compile` answers with errors and `evaluate` with a decision; neither throws, neither hangs. */
import { describe, expect, it } from 'vitest'
import {
  type CompileIssue,
  compile,
  type Decision,
  evaluate,
  evaluateAll,
  explain,
  prepare,
} from '../../engine/index.ts'
import type { Result } from '../../engine/result.ts'
import { compiled, ENVIRONMENT, EPOCH, killList, VERSION } from '../helpers/cases.ts'
import * as hostile from '../helpers/hostile.ts'
import { type Random, randomFrom } from '../helpers/random.ts'

const options = { environment: ENVIRONMENT, epoch: EPOCH, version: VERSION }
const REASONS = ['STATIC', 'DEFAULT', 'TARGETING_MATCH', 'SPLIT', 'DISABLED', 'ERROR']
const CODES = [null, 'FLAG_NOT_FOUND', 'TARGETING_KEY_MISSING', 'TYPE_MISMATCH', 'GENERAL']

/** What every decision must look like, whatever was asked. Cheap: it runs hundreds of thousands of times. */
function malformed(decision: Decision): string | undefined {
  if (!REASONS.includes(decision.reason)) return `reason ${decision.reason}`
  if (!CODES.includes(decision.errorCode)) return `error code ${decision.errorCode}`
  if (decision.variant === null) {
    if (decision.reason !== 'ERROR' || decision.errorCode === null) return 'no variant and no error'
  } else if (typeof decision.variant !== 'string' || decision.value === undefined)
    return 'a variant without a value'
  if (decision.rule !== null && typeof decision.rule !== 'string') return 'a rule that is no text'
  if (typeof decision.metadata !== 'object' || decision.metadata === null) return 'no metadata'
  return undefined
}

function brokenIssues(issues: readonly CompileIssue[]): string | undefined {
  if (issues.length === 0) return 'refused without an error'
  const broken = issues.find(({ path, message }) => !path.startsWith('$') || message.trim() === '')
  return broken && JSON.stringify(broken)
}

const compiles = (document: unknown): Result<unknown, readonly CompileIssue[]> => compile(document, options)

/** Errors, at least one, each with a path and a sentence. */
function expectRefused(document: unknown, path: RegExp) {
  const result = compiles(document)
  if (result.ok) throw new Error('was accepted')
  expect(brokenIssues(result.error)).toBeUndefined()
  expect(result.error.map((issue) => issue.path).some((each) => path.test(each))).toBe(true)
}

describe('evaluate', () => {
  it('answers 100 000 random documents and contexts with a decision', () => {
    const kills = [
      [],
      [{ target: 'flag:x' }],
      [{ target: 'route:r', variant: 'on' }],
      [{ target: 'all-routes' }],
    ] as const
    const ats = [
      undefined,
      {},
      { route: 'r' },
      { override: 'on' },
      { headerOverride: '__proto__', override: 'constructor' },
    ]
    let accepted = 0
    const seen = new Set<string>()
    for (let seed = 1; seed <= 100_000; seed++) {
      const r = randomFrom(seed)
      const result = compile(hostile.document(r), options)
      if (!result.ok) {
        const broken = brokenIssues(result.error)
        if (broken) throw new Error(`document of seed ${seed}: ${broken}`)
        continue
      }
      accepted++
      const prepared = prepare(result.value.snapshot, killList(r.pick(kills)))
      for (let question = 0; question < 4; question++) {
        const flag = r.pick(['x', 'y', 'x', 'y', '__proto__', 'constructor', 'nobody'])
        const decision = evaluate(prepared, flag, hostile.context(r) as never, r.pick(ats))
        const broken = decision.flag === flag ? malformed(decision) : `flag ${decision.flag}`
        if (broken) throw new Error(`seed ${seed}, question ${question}, flag ${flag}: ${broken}`)
        seen.add(decision.reason).add(`${decision.errorCode}`)
      }
    }
    expect(accepted).toBeGreaterThan(40_000)
    expect([...seen]).toEqual(expect.arrayContaining([...REASONS, 'TARGETING_KEY_MISSING', 'FLAG_NOT_FOUND']))
  })

  it('agrees with explain and evaluateAll on hostile contexts too', () => {
    for (let seed = 1; seed < 8_000; seed++) {
      const r = randomFrom(seed)
      const result = compile(hostile.document(r), options)
      if (!result.ok) continue
      const prepared = prepare(result.value.snapshot, killList())
      const context = hostile.context(r) as never
      const all = evaluateAll(prepared, context, 'all')
      for (const decision of all) {
        expect(evaluate(prepared, decision.flag, context), `seed ${seed}`).toStrictEqual(decision)
        expect(explain(prepared, decision.flag, context).decision, `seed ${seed}`).toStrictEqual(decision)
      }
    }
  })

  const everyOperator = compiled({
    flags: {
      x: {
        enabled: true,
        rules: [
          ['equals', 'v'],
          ['in', ['v']],
          ['contains', 'v'],
          ['startsWith', 'v'],
          ['endsWith', 'v'],
          ['glob', '*v*'],
          ['matches', '^v+$'],
          ['lt', -1e308],
          ['gte', 1e308],
          ['before', '0001-01-01T00:00:00Z'],
          ['after', '9999-01-01T00:00:00Z'],
          ['semverEq', '1.0.0'],
          ['semverGt', '9.0.0'],
          ['cidr', ['203.0.113.0/24']],
          ['near', { latitude: 1, longitude: 1, km: 1 }],
        ].map(([op, value]) => ({ id: `${op}`, when: { attribute: 'a', op, value }, serve: 'on' })),
        fallthrough: 'off',
      },
      half: { enabled: true, rules: [{ id: 'half', percentage: 50, serve: 'on' }], fallthrough: 'off' },
      split: { enabled: true, fallthrough: { on: 1, off: 1 } },
    },
  }).snapshot
  const prepared = prepare(everyOperator, killList())

  it.each([
    ['not a number', Number.NaN],
    ['a symbol', Symbol('s')],
    ['a big integer', 10n],
    ['a function', () => 'v'],
    ['a date', new Date(0)],
    ['a map', new Map([['v', 'v']])],
    ['a boxed text', Object('v')],
    ['a million letters', 'x'.repeat(1_000_000)],
    ['an unpaired surrogate', '\ud800'],
    ['a list of itself', cyclicList()],
    ['lists 100 000 deep', hostile.nested(100_000, 'list')],
    ['objects 100 000 deep', hostile.nested(100_000)],
    ['a list of a million', new Array(1_000_000).fill('x')],
    [
      'an object of hostile methods',
      { toString: fail, valueOf: fail, toJSON: fail, [Symbol.toPrimitive]: fail },
    ],
  ])('finds no match in %s under any operator', (_, value) => {
    const decision = evaluate(prepared, 'x', { targetingKey: 'user1', a: value })
    expect({ ...decision, metadata: {} }).toMatchObject({ variant: 'off', value: false, rule: null })
  })

  it.each([
    ['not a number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a symbol', Symbol('s')],
    ['a big integer', 10n],
    ['a function', () => 'user1'],
    ['a boxed text', Object('user1')],
    ['undefined', undefined],
    ['a date', new Date(0)],
  ])('takes %s for a missing bucket key', (_, targetingKey) => {
    for (const flag of ['half', 'split'])
      expect(evaluate(prepared, flag, { targetingKey })).toMatchObject({
        variant: 'off',
        errorCode: 'TARGETING_KEY_MISSING',
      })
  })

  it.each([null, undefined, 42, 'text', true, Symbol('s'), [], () => 1])(
    'takes the context %s for one without attributes',
    (context) => {
      expect(evaluate(prepared, 'x', context as never)).toMatchObject({ variant: 'off', reason: 'DEFAULT' })
      expect(evaluate(prepared, 'half', context as never)).toMatchObject({
        errorCode: 'TARGETING_KEY_MISSING',
      })
      expect(evaluateAll(prepared, context as never, 'all')).toHaveLength(3)
    },
  )

  it('answers a getter or a proxy that throws with a decision', () => {
    for (const broken of [
      Object.defineProperty({}, 'targetingKey', { get: fail, enumerable: true }),
      Object.defineProperty({}, 'a', { get: fail, enumerable: true }),
      { a: Object.defineProperty({}, 'latitude', { get: fail, enumerable: true }) },
      { a: new Proxy({}, { get: fail, has: fail, ownKeys: fail, getOwnPropertyDescriptor: fail }) },
      new Proxy({}, { get: fail, has: fail, ownKeys: fail, getOwnPropertyDescriptor: fail }),
      revoked(),
    ])
      for (const flag of ['x', 'half', 'split', 'nobody']) {
        expect(malformed(evaluate(prepared, flag, broken as never))).toBeUndefined()
        expect(malformed(explain(prepared, flag, broken as never).decision)).toBeUndefined()
        for (const decision of evaluateAll(prepared, broken as never, 'all'))
          expect(malformed(decision)).toBeUndefined()
      }
  })

  it.each([null, undefined, 42, {}, [], Symbol('s'), '', '__proto__', 'x'.repeat(1_000_000), '\ud800'])(
    'does not find the flag %s',
    (key) => {
      expect(evaluate(prepared, key as never, {})).toMatchObject({
        variant: null,
        errorCode: 'FLAG_NOT_FOUND',
      })
    },
  )

  it.each([
    null,
    42,
    'shop',
    [],
    { route: {} },
    { override: 5, headerOverride: [] },
    { route: null, override: null },
  ])('passes over the circumstances %j', (at) => {
    expect(evaluate(prepared, 'x', {}, at as never)).toMatchObject({ variant: 'off', reason: 'DEFAULT' })
  })

  it('answers GENERAL where a flag of the snapshot is damaged, and goes on with the others', () => {
    for (const damaged of [
      '',
      '{',
      'not json',
      'null',
      '42',
      '"x"',
      '[]',
      '{}',
      '{"enabled":true}',
      '{"rules":5}',
    ]) {
      const flags = new Map([...everyOperator.flags, ['damaged', damaged]])
      const broken = prepare({ ...everyOperator, flags }, killList())
      for (let again = 0; again < 2; again++)
        expect(evaluate(broken, 'damaged', { targetingKey: 'user1' }), damaged).toMatchObject({
          flag: 'damaged',
          variant: null,
          reason: 'ERROR',
          errorCode: 'GENERAL',
        })
      expect(evaluate(broken, 'half', {})).toMatchObject({ variant: 'off' })
      expect(evaluateAll(broken, {}, 'all').map((decision) => decision.flag)).toContain('half')
    }
  })

  it('keeps no decision of one user for another', () => {
    const fresh = prepare(everyOperator, killList())
    expect(evaluate(fresh, 'x', { targetingKey: 'one', a: 'v' }).variant).toBe('on')
    expect(evaluate(fresh, 'x', { targetingKey: 'one' }).variant).toBe('off')
    expect(evaluate(fresh, 'x', { targetingKey: 'two', a: 'v' }).variant).toBe('on')
  })

  it('does not change its answer for a caller that tries to change it', () => {
    const fresh = prepare(everyOperator, killList())
    const decision = evaluate(fresh, 'half', { targetingKey: 'user1' })
    const before = structuredClone(decision)
    for (const change of [
      () => ((decision as { variant: unknown }).variant = 'mine'),
      () => ((decision.metadata as Record<string, unknown>).mine = true),
    ])
      try {
        change()
      } catch (cause) {
        expect(cause).toBeInstanceOf(TypeError)
      }
    expect(evaluate(fresh, 'half', { targetingKey: 'user1' })).toStrictEqual(before)
  })

  it('pollutes no prototype', () => {
    const document = JSON.parse(
      '{"flags":{"x":{"enabled":true,"fallthrough":"on","metadata":{"__proto__":"p"}}}}',
    )
    const result = compile(document, options)
    if (result.ok)
      evaluate(
        prepare(result.value.snapshot, killList([{ target: 'flag:__proto__' as never }])),
        'x',
        JSON.parse('{"__proto__":{"polluted":1}}'),
      )
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect(Object.keys(Object.prototype)).toStrictEqual([])
  })
})

describe('compile', () => {
  it('answers 100 000 junk values with errors, or accepts them', () => {
    for (let seed = 1; seed <= 100_000; seed++) {
      const r = randomFrom(seed)
      const value =
        seed % 2 === 0
          ? hostile.junk(r, 5)
          : { flags: hostile.junk(r, 4), segments: hostile.junk(r), routes: hostile.junk(r) }
      const result = compiles(value)
      const broken = result.ok ? undefined : brokenIssues(result.error)
      if (broken) throw new Error(`seed ${seed}: ${broken}`)
    }
  })

  it('answers junk in every place of a route with errors, or accepts it', () => {
    const route = () => ({
      id: 'shop',
      match: { host: 'a.example.com', path: '/*', methods: ['GET'], headers: { 'x-a': 'b' } },
      flag: 'arm',
      origins: {
        on: { url: 'https://a.example.com' },
        off: { pool: [{ url: 'https://b.example.com' }], strategy: 'geo' },
      },
      fallback: 'off',
      identity: ['cookie', { header: 'x-user' }],
      overrides: { header: { 'x-canary': { true: 'on' } } },
      rewrite: { stripPrefix: '/a' },
    })
    for (let seed = 1; seed <= 20_000; seed++) {
      const r = randomFrom(seed)
      const result = compiles({ flags: { arm: true }, routes: [spoil(route(), r)] })
      const broken = result.ok ? undefined : brokenIssues(result.error)
      if (broken) throw new Error(`seed ${seed}: ${broken}`)
    }
  })

  it.each([undefined, Symbol('s'), 10n, () => 1, new Date(0), new Map(), Number.NaN, Object.create(null)])(
    'answers %s, which is no JSON',
    (value) => {
      const result = compiles(value)
      if (!result.ok) expect(brokenIssues(result.error)).toBeUndefined()
    },
  )

  it('refuses a document that contains itself', () => {
    const cyclic: Record<string, unknown> = { enabled: true, fallthrough: 'on' }
    cyclic.metadata = cyclic
    expectRefused({ flags: { x: cyclic } }, /^\$/)
    const condition: Record<string, unknown> = {}
    condition.not = condition
    expectRefused(
      {
        flags: {
          x: { enabled: true, rules: [{ id: 'r', when: condition, serve: 'on' }], fallthrough: 'off' },
        },
      },
      /^\$/,
    )
    const value: Record<string, unknown> = {}
    value.self = value
    expectRefused(
      { flags: { x: { enabled: true, variants: { on: value, off: {} }, fallthrough: 'on' } } },
      /^\$/,
    )
  })

  it.each([
    [
      'conditions',
      { enabled: true, rules: [{ id: 'r', when: deepCondition(100_000), serve: 'on' }], fallthrough: 'off' },
    ],
    ['a value', { enabled: true, variants: { on: hostile.nested(100_000), off: {} }, fallthrough: 'on' }],
    [
      'a list of values',
      { enabled: true, variants: { on: hostile.nested(100_000, 'list'), off: [] }, fallthrough: 'on' },
    ],
    ['an unknown field', { enabled: true, fallthrough: 'on', extra: hostile.nested(100_000) }],
    ['a weight', { enabled: true, fallthrough: { on: hostile.nested(100_000) } }],
  ])('refuses %s nested 100 000 deep', (_, flag) => {
    expectRefused({ flags: { x: flag } }, /^\$/)
  })

  it('accepts conditions and values nested as deep as people write them', () => {
    const { snapshot } = compiled({
      flags: {
        x: {
          enabled: true,
          variants: { on: hostile.nested(16), off: {} },
          rules: [{ id: 'r', when: deepCondition(16), serve: 'on' }],
          fallthrough: 'off',
        },
      },
    })
    const decision = evaluate(prepare(snapshot, killList()), 'x', { a: 1 })
    expect([decision.variant, decision.value]).toStrictEqual(['on', hostile.nested(16)])
  })

  it('refuses a document of more than 10 000 flags, and accepts one of 10 000', () => {
    const flags = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`flag-${index}`, true]))
    expectRefused({ flags }, /^\$\.flags$/)
    delete flags['flag-0']
    expect(compiled({ flags }).snapshot.flags.size).toBe(10_000)
  })

  it('refuses a flag of more than 1 000 rules, and accepts one of 1 000', () => {
    const rules = Array.from({ length: 1_001 }, (_, index) => ({
      id: `r${index}`,
      when: { attribute: 'n', op: 'equals', value: index },
      serve: 'on',
    }))
    const flag = { enabled: true, rules, fallthrough: 'off' }
    expectRefused({ flags: { x: flag } }, /^\$\.flags\.x\.rules$/)
    const { snapshot } = compiled({ flags: { x: { ...flag, rules: rules.slice(1) } } })
    expect(evaluate(prepare(snapshot, killList()), 'x', { n: 1_000 }).rule).toBe('r1000')
  })

  it('refuses a document of more than 10 MB', () => {
    const text = 'x'.repeat(1_100_000)
    const flags = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [
        `flag-${index}`,
        { enabled: true, variants: { on: text, off: '' }, fallthrough: 'on' },
      ]),
    )
    expectRefused({ flags }, /^\$$/)
  })

  it('counts the size of a document in bytes of UTF-8', () => {
    const text = '用'.repeat(3_600_000)
    expectRefused(
      { flags: { x: { enabled: true, variants: { on: text, off: '' }, fallthrough: 'on' } } },
      /^\$$/,
    )
  })

  it('answers a document with an error in every flag, with the first many and how many more there are', () => {
    const flags = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [
        `flag-${index}`,
        { enabled: true, fallthrough: 'nowhere' },
      ]),
    )
    const result = compiles({ flags })
    const errors = result.ok ? [] : result.error
    expect(errors).toHaveLength(1_001)
    expect(errors.at(-1)!.message).toBe('9000 more errors are not listed')
  })

  it('ends on a chain of 10 000 prerequisites, and so does evaluate', () => {
    const flags: Record<string, unknown> = { 'flag-0': { enabled: true, fallthrough: 'on' } }
    for (let index = 1; index < 10_000; index++)
      flags[`flag-${index}`] = {
        enabled: true,
        prerequisites: [{ flag: `flag-${index - 1}`, variants: ['on'] }],
        fallthrough: 'on',
      }
    const result = compile({ flags }, options)
    if (!result.ok) return expect(brokenIssues(result.error)).toBeUndefined()
    const prepared = prepare(result.value.snapshot, killList())
    expect(malformed(evaluate(prepared, 'flag-9999', {}))).toBeUndefined()
    expect(evaluateAll(prepared, {}, 'all')).toHaveLength(10_000)
  })

  it('ends on prerequisites that fan out at every step, and so does evaluate', () => {
    const flags: Record<string, unknown> = {}
    for (let level = 0; level < 40; level++)
      for (const side of ['a', 'b'])
        flags[`${side}${level}`] = {
          enabled: true,
          prerequisites:
            level === 0 ? [] : ['a', 'b'].map((one) => ({ flag: `${one}${level - 1}`, variants: ['on'] })),
          fallthrough: 'on',
        }
    const result = compile({ flags }, options)
    if (!result.ok) return expect(brokenIssues(result.error)).toBeUndefined()
    const prepared = prepare(result.value.snapshot, killList())
    expect(malformed(evaluate(prepared, 'a39', {}))).toBeUndefined()
  })

  it('ends on segments that fan out at every step, and so does evaluate', () => {
    const segments: Record<string, unknown> = { s0: { when: { attribute: 'a', op: 'equals', value: 1 } } }
    for (let level = 1; level < 40; level++)
      segments[`s${level}`] = { when: { any: [{ segment: `s${level - 1}` }, { segment: `s${level - 1}` }] } }
    const flags = {
      x: { enabled: true, rules: [{ id: 'r', when: { segment: 's39' }, serve: 'on' }], fallthrough: 'off' },
    }
    const result = compile({ flags, segments }, options)
    if (!result.ok) return expect(brokenIssues(result.error)).toBeUndefined()
    const prepared = prepare(result.value.snapshot, killList())
    expect(malformed(evaluate(prepared, 'x', {}))).toBeUndefined()
  })
})

function fail(): never {
  throw new Error('the caller throws')
}

function cyclicList(): unknown[] {
  const list: unknown[] = []
  list.push(list)
  return list
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function deepCondition(depth: number): unknown {
  let made: unknown = { attribute: 'a', op: 'equals', value: 1 }
  for (let level = 0; level < depth; level++) made = level % 2 === 0 ? { all: [made] } : { any: [made] }
  return made
}

/** Puts junk in one place of a value. */
function spoil(value: unknown, r: Random): unknown {
  if (typeof value !== 'object' || value === null || r.chance(0.25)) return hostile.junk(r)
  const names = Object.keys(value)
  const name = r.pick(names)
  const copy = Array.isArray(value) ? [...value] : { ...value }
  ;(copy as Record<string, unknown>)[name] = spoil((value as Record<string, unknown>)[name], r)
  return copy
}
