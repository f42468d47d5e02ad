/**
 * fast-check arbitraries of valid documents and ordinary contexts: few names, so that conditions meet attributes,
 * prerequisites meet flags and keys meet lists often.
 */
import fc from 'fast-check'

const variants = ['off', 'on', 'blue', 'green'] as const
const keys = ['user1', 'user2', 'user3', 'ada', '']
const attributes = [
  'plan',
  'age',
  'geo.country',
  'tags',
  'ip',
  'version',
  'since',
  'targetingKey',
  'constructor',
]

const condition = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 6, arbitrary: leaf() },
    { weight: 1, arbitrary: fc.record({ segment: fc.constantFrom('staff', 'listed') }) },
    { weight: 1, arbitrary: fc.record({ all: fc.array(tie('any'), { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ any: fc.array(tie('any'), { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ not: tie('any') }) },
  ),
})).any

function leaf(): fc.Arbitrary<unknown> {
  const operand: [op: string, value: fc.Arbitrary<unknown>][] = [
    ['equals', fc.constantFrom('pro', 18, true, 'DE')],
    ['in', fc.constant(['pro', 'DE', 18, 'user1'])],
    ['contains', fc.constantFrom('a', 'pro')],
    ['startsWith', fc.constantFrom('us', 'p')],
    ['endsWith', fc.constantFrom('1', 'o')],
    ['glob', fc.constantFrom('user?', '*a*', '*')],
    ['matches', fc.constantFrom('^user\\d$', 'a|o')],
    ['lt', fc.constantFrom(18, 40)],
    ['gte', fc.constantFrom(18, 40)],
    ['before', fc.constant('2026-01-01T00:00:00Z')],
    ['after', fc.constant('2026-01-01T00:00:00+02:00')],
    ['semverLt', fc.constant('2.0.0')],
    ['semverGte', fc.constant('2.0.0-rc.1')],
    ['cidr', fc.constant(['10.0.0.0/8', '::1/128'])],
    ['near', fc.constant({ latitude: 48, longitude: 11, km: 500 })],
    ['exists', fc.boolean()],
  ]
  const plain = attributes.filter((name) => name !== 'geo.country')
  return fc
    .tuple(fc.constantFrom(...plain, 'geo', 'city'), fc.nat(operand.length - 1))
    .chain(([attribute, index]) => {
      const [op, value] = operand[index]!
      return fc.record({ attribute: fc.constant(attribute), op: fc.constant(op), value })
    })
}

const percentage = fc.integer({ min: 0, max: 100_000 }).map((thousandths) => thousandths / 1000)

const weights = fc
  .dictionary(fc.constantFrom(...variants), fc.integer({ min: 0, max: 10 }), {
    minKeys: 1,
    noNullPrototype: true,
  })
  .filter((table) => Object.values(table).some((weight) => weight > 0))

const serve = fc.oneof(fc.constantFrom(...variants), weights)

const rule = fc.record(
  {
    when: condition,
    percentage: fc.oneof(percentage, fc.constantFrom({ rollout: 'r1' }, { rollout: 'r2' })),
    serve,
  },
  { requiredKeys: ['serve'] },
)

/** A flag that may require any of the flags before it. */
const flag = (earlier: string[]) =>
  fc.record(
    {
      enabled: fc.boolean().map((enabled) => enabled || earlier.length % 3 !== 0),
      variants: fc.constant({ off: 'o', on: 'n', blue: 'b', green: 'g' }),
      tags: fc.constantFrom(['web'], ['web', 'pay'], []),
      prerequisites: fc.array(
        fc.record({
          flag: fc.constantFrom(...earlier, ...(earlier.length === 0 ? ['none'] : [])),
          variants: fc.uniqueArray(fc.constantFrom(...variants), { minLength: 1 }),
        }),
        { maxLength: earlier.length === 0 ? 0 : 2 },
      ),
      rules: fc
        .array(rule, { maxLength: 4 })
        .map((rules) => rules.map((each, index) => ({ id: `r${index}`, ...each }))),
      fallthrough: serve,
      bucketBy: fc.constantFrom('targetingKey', 'plan', 'geo.country'),
      salt: fc.constantFrom('shared', 'other'),
      client: fc.boolean(),
      metadata: fc.constantFrom({}, { team: 'web', tier: 1 }),
    },
    { requiredKeys: ['enabled', 'variants', 'fallthrough'] },
  )

const shortFlag = fc.oneof(
  fc.constantFrom(true, false, 'true', 'false'),
  fc.record(
    {
      enabled: fc.boolean(),
      percentage,
      allowlist: fc.uniqueArray(fc.constantFrom('user1', 'ada')),
      denylist: fc.uniqueArray(fc.constantFrom('user1', 'user2')),
      countries: fc.constantFrom(['DE'], ['DE', 'FR']),
    },
    { requiredKeys: ['enabled'] },
  ),
)

export const FLAG_KEYS = ['alpha', 'beta', 'gamma', 'delta', 'constructor']

export const validDocument = fc
  .tuple(
    ...FLAG_KEYS.map((_, index) => fc.oneof({ weight: 4, arbitrary: flag(namesOfFull(index)) }, shortFlag)),
  )
  .map((flags) => ({
    flags: Object.fromEntries(flags.map((each, index) => [FLAG_KEYS[index]!, each])),
    segments: {
      listed: { include: ['user1', 'ada'], exclude: ['user2'] },
      staff: { when: { attribute: 'plan', op: 'equals', value: 'pro' }, exclude: ['ada'] },
    },
  }))
  .filter(({ flags }) => requiresOnlyFullFlags(flags))

/** Names that a flag may require: those before it. */
function namesOfFull(index: number): string[] {
  return FLAG_KEYS.slice(0, index)
}

/** A short form has no `blue` and no `green`: compile would refuse the prerequisite. */
function requiresOnlyFullFlags(flags: Record<string, unknown>): boolean {
  const full = (key: string) => typeof flags[key] === 'object' && 'variants' in (flags[key] as object)
  return Object.values(flags).every((each) => {
    const { prerequisites = [] } = each as { prerequisites?: { flag: string }[] }
    return prerequisites.every((one) => full(one.flag))
  })
}

export const overlay = fc.record({
  rollouts: fc.dictionary(
    fc.constantFrom('r1', 'r3'),
    fc.record({ flag: fc.constant('alpha'), variant: fc.constantFrom('on', 'off'), weight: percentage }),
    { noNullPrototype: true },
  ),
})

export const kills = fc.array(
  fc.record(
    {
      target: fc.constantFrom(
        'flag:alpha',
        'flag:constructor',
        'tag:pay',
        'route:shop',
        'all-routes',
        'all-flags',
      ),
      variant: fc.constantFrom('on', 'blue', 'missing'),
    },
    { requiredKeys: ['target'] },
  ),
  { maxLength: 2 },
)

export const context = fc.record(
  {
    targetingKey: fc.oneof(fc.constantFrom(...keys), fc.constantFrom(null, 42, true), fc.string()),
    plan: fc.constantFrom('pro', 'basic', ['pro', 'x'], 5),
    age: fc.constantFrom(17, 18, 40, '18'),
    geo: fc.constantFrom({ country: 'DE', latitude: 48.1, longitude: 11.5 }, { country: 'FR' }, 'DE'),
    ip: fc.constantFrom('10.1.2.3', '::1', '8.8.8.8', 'x'),
    version: fc.constantFrom('1.9.9', '2.0.0-rc.1', '2.0.0', 'v2'),
    since: fc.constantFrom('2025-12-31T23:00:00Z', '2026-06-01T00:00:00Z', 'x'),
    tags: fc.constantFrom(['pro', 'a'], []),
  },
  { requiredKeys: [] },
)

export const at = fc.option(
  fc.record(
    {
      route: fc.constantFrom('shop', 'blog'),
      override: fc.constantFrom('on', 'blue', 'missing'),
      headerOverride: fc.constantFrom('green', 'missing'),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
)
