/** Which member of a pool a request goes to. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BREAKER_DEFAULTS, type Member, type PoolStrategy } from '../../engine/index.ts'
import { type Chooser, pool } from '../../worker/pool.ts'
import { Upstream } from '../../worker/upstream.ts'

const NOW = 1_790_000_000_000
const at = (country?: string, continent?: string) => ({ country, continent }) as Chooser['facts']['place']

function poolOf(strategy: PoolStrategy, ...members: (Partial<Member> & { name: string })[]) {
  const known = members.map(({ name, ...rest }) => {
    const url = `https://${name}.test`
    return { member: { url, ...rest }, upstream: new Upstream(name, url, BREAKER_DEFAULTS) }
  })
  const choose = pool(strategy, 'route/variant', known)
  const named = (name: string) => known.find(({ upstream }) => upstream.name === name)!.upstream
  return {
    choose: ({ place = {}, ...by }: Partial<Chooser> & { place?: Chooser['facts']['place'] } = {}) =>
      choose({ facts: { place }, key: 'user-1', nowMs: NOW, random: () => 0.5, anyhow: false, ...by })?.name,
    break: (name: string) => {
      for (let n = 0; n < 5; n += 1) named(name).record('unreached', NOW, NOW, () => 0.5)
    },
    answer: (name: string, ms: number) => {
      for (let n = 0; n < 40; n += 1) named(name).record('ok', NOW - ms, NOW, () => 0.5)
    },
  }
}

describe('by place', () => {
  const world = () =>
    poolOf(
      'geo',
      { name: 'us', continents: ['NA'], priority: 1 },
      { name: 'eu', continents: ['EU'], priority: 2 },
      { name: 'de', countries: ['DE'], priority: 3 },
      { name: 'ap', continents: ['AS', 'OC'], priority: 4 },
    )

  it('goes to the country’s, else the continent’s, else the first', () => {
    const { choose } = world()
    expect(choose({ place: at('US', 'NA') })).toBe('us')
    expect(choose({ place: at('FR', 'EU') })).toBe('eu')
    expect(choose({ place: at('DE', 'EU') })).toBe('de')
    expect(choose({ place: at('AU', 'OC') })).toBe('ap')
    expect(choose({ place: at('ZA', 'AF') })).toBe('us')
    expect(choose()).toBe('us')
  })

  it('goes to the next best where that one is broken', () => {
    const some = world()
    some.break('de')
    expect(some.choose({ place: at('DE', 'EU') })).toBe('eu')
    some.break('eu')
    expect(some.choose({ place: at('DE', 'EU') })).toBe('us')
  })
})

describe('by order', () => {
  it('goes to the lowest priority number that is not broken', () => {
    const some = poolOf('failover', { name: 'second', priority: 2 }, { name: 'first', priority: 1 })
    expect(some.choose()).toBe('first')
    some.break('first')
    expect(some.choose()).toBe('second')
    some.break('second')
    expect(some.choose()).toBeUndefined()
    expect(some.choose({ anyhow: true })).toBe('first')
  })

  it('uses passive members only where no active one is left, whatever their numbers', () => {
    const some = poolOf(
      'failover',
      { name: 'spare', priority: 0, role: 'passive' },
      { name: 'one', priority: 1 },
      { name: 'two', priority: 2 },
    )
    expect(some.choose()).toBe('one')
    some.break('one')
    expect(some.choose()).toBe('two')
    some.break('two')
    expect(some.choose()).toBe('spare')
  })

  it('takes traffic from a member that is slower than it may be, until it is not', () => {
    const some = poolOf('failover', { name: 'one', latencyThresholdMs: 200 }, { name: 'two' })
    some.answer('one', 150)
    expect(some.choose()).toBe('one')
    some.answer('one', 900)
    expect(some.choose({ nowMs: NOW + 1_000 })).toBe('two')
    // A minute without requests: it is given another chance.
    expect(some.choose({ nowMs: NOW + 61_000 })).toBe('one')
  })

  it('prefers a slow answer to none, and a passive member to a slow one', () => {
    const some = poolOf(
      'failover',
      { name: 'one', latencyThresholdMs: 200 },
      { name: 'spare', role: 'passive' },
    )
    some.answer('one', 900)
    expect(some.choose()).toBe('spare')
    some.break('spare')
    expect(some.choose()).toBe('one')
  })
})

describe('by weight', () => {
  const keys = Array.from({ length: 20_000 }, (_, n) => `user-${n}`)
  const shares = (some: ReturnType<typeof poolOf>) => {
    const counts: Record<string, number> = {}
    for (const key of keys) {
      const name = some.choose({ key })!
      counts[name] = (counts[name] ?? 0) + 1 / keys.length
    }
    return counts
  }

  it('gives each its share, and none to a weight of 0', () => {
    const found = shares(
      poolOf('weighted', { name: 'a' }, { name: 'b', weight: 3 }, { name: 'c', weight: 0 }),
    )
    expect(found.c).toBeUndefined()
    expect(found.b).toBeCloseTo(0.75, 1)
    expect(Math.abs(found.b! - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / keys.length))
  })

  it('moves only the users of a member that is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 50, maxLength: 200 }), (users) => {
        const [whole, less] = [0, 1].map(() =>
          poolOf('weighted', { name: 'a' }, { name: 'b', weight: 2 }, { name: 'c' }),
        ) as [ReturnType<typeof poolOf>, ReturnType<typeof poolOf>]
        less.break('b')
        for (const key of users) {
          const before = whole.choose({ key })
          if (before === 'b') expect(less.choose({ key })).not.toBe('b')
          else expect(less.choose({ key })).toBe(before)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('leaves those without an identity to chance', () => {
    const some = poolOf('weighted', { name: 'a' }, { name: 'b' })
    const names = new Set(
      Array.from({ length: 100 }, (_, n) => some.choose({ key: undefined, random: () => n / 100 } as never)),
    )
    expect(names).toEqual(new Set(['a', 'b']))
  })
})
