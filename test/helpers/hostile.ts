/**
 * Random documents and contexts that nobody should send, cheap enough for hundreds of thousands: a seeded generator, so
 * that the number of a run is all it takes to see it again.
 */
import { OPERATORS } from '../../engine/index.ts'
import type { Random } from './random.ts'

const HUGE = 'x'.repeat(100_000)
const TEXTS = [
  '',
  'on',
  'off',
  'user1',
  'a.b',
  '__proto__',
  'constructor',
  'toString',
  '\ud800',
  '\udc00\ud800',
  '\0',
  'a\nb\tc',
  '🚀',
  '(a+)+$',
  '10.0.0.0/8',
  '1.0.0-rc.1',
  '2026-01-01T00:00:00Z',
  '%',
  '*?*?*',
  HUGE,
]
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.1,
  50,
  100,
  101,
  1e308,
  -1e308,
  5e-324,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
]
const NAMES = [
  'x',
  'y',
  'on',
  'off',
  'a',
  'b',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  'length',
  'targetingKey',
  '',
  '\ud800',
]
const ATTRIBUTES = [
  'targetingKey',
  'a',
  'a.b',
  'a.b.c',
  '__proto__',
  '__proto__.polluted',
  'constructor',
  'constructor.name',
  'toString',
  'a.constructor.prototype',
  '.',
  '..',
  'a.',
  'geo',
  '\ud800',
  'list.0',
  'list.length',
]

/** A member even if it is called `__proto__`. */
const define = (target: object, name: string, value: unknown): void => {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Any JSON value, and numbers that JSON has no text for. */
export function junk(r: Random, depth = 3): unknown {
  const kind = r.below(depth > 0 ? 8 : 5)
  if (kind === 0) return null
  if (kind === 1) return r.chance(0.5)
  if (kind === 2) return r.pick(NUMBERS)
  if (kind <= 4) return r.pick(TEXTS)
  if (kind === 5) return Array.from({ length: r.below(4) }, () => junk(r, depth - 1))
  const made = r.chance(0.2) ? Object.create(null) : {}
  for (let count = r.below(4); count > 0; count--) define(made, r.pick(NAMES), junk(r, depth - 1))
  return made
}

/** What the caller gives, or sometimes junk in its place. */
const mostly = (r: Random, value: () => unknown, junkShare = 0.01): unknown =>
  r.chance(junkShare) ? junk(r) : value()

function operand(r: Random, op: string): unknown {
  if (op === 'in') return Array.from({ length: r.below(4) }, () => r.pick([...TEXTS.slice(0, 8), 1, true]))
  if (op === 'cidr') return r.pick([['10.0.0.0/8'], ['::/0', '0.0.0.0/0'], []])
  if (op === 'near')
    return { latitude: r.pick([0, 90, -90]), longitude: r.pick([0, 180]), km: r.pick([0, 1, 1e9]) }
  if (op === 'exists') return r.chance(0.5)
  if (op.startsWith('semver')) return r.pick(['1.0.0', '1.0.0-rc.1', '99999999999999999999.0.0'])
  if (op === 'before' || op === 'after') return '2026-01-01T00:00:00Z'
  if (/^[lg]te?$/.test(op)) return r.pick([0, 1, -1e308])
  if (op === 'matches') return r.pick(['a', '^x*$', '\\ud800', '.', '[^a]+'])
  return r.pick(TEXTS)
}

function condition(r: Random, depth = 3): unknown {
  const kind = r.below(depth > 0 ? 9 : 5)
  if (kind < 4) {
    const op = r.pick(OPERATORS)
    return {
      attribute: mostly(r, () => r.pick(ATTRIBUTES)),
      op: r.chance(0.99) ? op : r.pick(['toString', '__proto__', 'no-such']),
      value: mostly(r, () => operand(r, op)),
    }
  }
  if (kind === 4)
    return {
      segment: r.chance(0.95)
        ? r.pick(depth > 0 ? ['s', 't'] : ['t'])
        : r.pick(['toString', '__proto__', 'no-such']),
    }
  if (kind === 5) return { not: mostly(r, () => condition(r, depth - 1)) }
  const list = () => Array.from({ length: r.below(3) }, () => condition(r, depth - 1))
  return kind === 6
    ? { all: mostly(r, list) }
    : kind === 7
      ? { any: mostly(r, list) }
      : r.chance(0.05)
        ? junk(r)
        : condition(r, 0)
}

const serve = (r: Random): unknown =>
  r.chance(0.6)
    ? r.pick(['on', 'off'])
    : { on: r.pick([1, 0, 0.001, 1e308, 5e-324]), off: r.pick([1, 2, 50]) }

function flag(r: Random, requires: readonly string[]): unknown {
  if (r.chance(0.02)) return r.pick(['yes', null, 1])
  if (r.chance(0.15)) return r.pick([true, false, 'true', 'false'])
  if (r.chance(0.2))
    return {
      enabled: true,
      percentage: mostly(r, () => r.pick([0, 0.001, 50, 100]), 0.1),
      allowlist: mostly(r, () => ['user1', '__proto__']),
    }
  const made: Record<string, unknown> = {
    enabled: mostly(r, () => r.chance(0.9)),
    fallthrough: mostly(r, () => serve(r)),
  }
  if (r.chance(0.6))
    made.rules = mostly(r, () =>
      Array.from({ length: r.below(4) }, (_, index) => ({
        id: `r${index}`,
        ...(r.chance(0.7) ? { when: mostly(r, () => condition(r)) } : {}),
        ...(r.chance(0.5)
          ? { percentage: mostly(r, () => r.pick([0, 0.001, 50, 99.999, 100, { rollout: 'r' }])) }
          : {}),
        serve: mostly(r, () => serve(r)),
      })),
    )
  if (r.chance(requires.includes('y') ? 0.2 : 0.02))
    made.prerequisites = mostly(r, () => [
      { flag: r.chance(0.9) ? 'y' : r.pick(['x', 'z']), variants: ['on'] },
    ])
  if (r.chance(0.3)) made.bucketBy = mostly(r, () => r.pick(ATTRIBUTES))
  if (r.chance(0.3)) made.metadata = mostly(r, () => ({ killed: 'no', constructor: 1 }))
  if (r.chance(0.3)) made.client = mostly(r, () => true)
  if (r.chance(0.03)) define(made, r.pick(NAMES), junk(r))
  return made
}

/** Mostly valid, so that many of them compile; now and then junk in any place. */
export function document(r: Random): unknown {
  if (r.chance(0.02)) return junk(r, 5)
  const made: Record<string, unknown> = {
    flags: { x: flag(r, ['y', 'y', 'y', 'x', 'z']), y: flag(r, ['z', 'x']) },
  }
  if (r.chance(0.2)) define(made.flags as object, r.pick(NAMES), flag(r, ['x']))
  if (r.chance(0.9))
    made.segments = mostly(r, () => ({
      s: { include: ['user1', '__proto__'], when: mostly(r, () => condition(r, 0)) },
      t: { exclude: mostly(r, () => ['user1']), when: { attribute: 'a', op: 'exists', value: true } },
    }))
  return made
}

const explode = () => {
  throw new Error('a getter of the caller throws')
}

/** Everything a caller's language allows for a context. */
export function context(r: Random): unknown {
  switch (r.below(14)) {
    case 0:
      return r.pick([
        null,
        undefined,
        42,
        'text',
        true,
        Symbol('s'),
        10n,
        () => 1,
        [],
        new Date(0),
        new Map([['a', 1]]),
      ])
    case 1: {
      const cycle: Record<string, unknown> = { targetingKey: 'user1' }
      cycle.a = cycle
      cycle.geo = [cycle]
      return cycle
    }
    case 2:
      return Object.defineProperty({ a: 1 }, r.pick(['targetingKey', 'a', 'geo']), {
        get: explode,
        enumerable: true,
      })
    case 3:
      return new Proxy(
        {},
        { get: explode, has: explode, getOwnPropertyDescriptor: explode, ownKeys: explode },
      )
    case 4:
      return {
        targetingKey: new Proxy({}, { get: explode, getPrototypeOf: explode }),
        a: new Proxy([], { get: explode }),
      }
    case 5:
      return Object.assign(Object.create(null), { targetingKey: 'user1', a: { b: 'x' } })
    case 6:
      return {
        targetingKey: r.pick([Symbol('s'), 10n, () => 1, new Date(0), Number.NaN, Number.POSITIVE_INFINITY]),
        a: 10n,
        geo: () => 1,
      }
    case 7:
      return { targetingKey: HUGE, a: HUGE, geo: HUGE, ip: HUGE }
    case 8:
      return {
        targetingKey: { toString: explode, valueOf: explode, toJSON: explode },
        a: { toString: explode, valueOf: explode },
      }
    case 9: {
      const revoked = Proxy.revocable({}, {})
      revoked.revoke()
      return r.chance(0.5)
        ? revoked.proxy
        : { targetingKey: revoked.proxy, a: revoked.proxy, geo: revoked.proxy }
    }
    case 10:
      return Object.create({ targetingKey: 'inherited', a: { b: 'inherited' } })
    default: {
      const made: Record<string, unknown> = {}
      for (const name of ['targetingKey', 'a', 'a.b', 'geo', 'list', '__proto__', 'constructor'])
        if (r.chance(0.6)) define(made, name, junk(r))
      return made
    }
  }
}

/** A value nested this deep in lists or objects. */
export function nested(depth: number, kind: 'list' | 'object' = 'object'): unknown {
  let made: unknown = 1
  for (let level = 0; level < depth; level++) made = kind === 'list' ? [made] : { a: made }
  return made
}
