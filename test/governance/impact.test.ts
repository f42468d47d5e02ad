import { describe, expect, it } from 'vitest'
import { impact, type Sampled, type Side } from '../../admin/governance/impact.ts'
import { compile, type FlagDocument } from '../../engine/index.ts'

function side(document: FlagDocument): Side {
  const compiled = compile(document, { environment: 'test', epoch: 1, version: 1 })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return { document, snapshot: compiled.value.snapshot }
}

const of = (before: FlagDocument['flags'], after: FlagDocument['flags'], sample: Sampled[] = []) =>
  impact(side({ flags: before }), side({ flags: after }), sample)

describe('the impact of a change', () => {
  it('is the share of keys that get another variant', () => {
    const { flags, basis, contexts, summary } = of(
      { beta: { enabled: true, percentage: 20 }, same: true },
      { beta: { enabled: true, percentage: 40 }, same: true },
    )
    expect(flags.map(({ flag }) => flag)).toStrictEqual(['beta'])
    expect(flags[0]!.changed).toBeGreaterThan(0.16)
    expect(flags[0]!.changed).toBeLessThan(0.24)
    expect(flags[0]!.moves).toStrictEqual([{ from: 'off', to: 'on', share: flags[0]!.changed }])
    expect({ basis, contexts }).toStrictEqual({ basis: 'synthetic', contexts: 1000 })
    expect(summary[0]).toMatch(
      /^flag beta: 1\d\.\d|^flag beta: 2\d(\.\d)? % of keys change variant: .* off → on/,
    )
  })

  it('is nothing where nothing changes for anybody', () => {
    expect(of({ beta: true }, { beta: true }).flags).toStrictEqual([])
    const reworded = of({ beta: { enabled: true } }, { beta: { enabled: true, percentage: 100 } })
    expect(reworded.flags.every(({ changed }) => changed === 0)).toBe(true)
  })

  it('is that of real requests, weighted, where there are enough', () => {
    const sample = Array.from({ length: 400 }, (_, n) => ({
      context: { targetingKey: `k${n}`, 'geo.country': n % 4 === 0 ? 'DE' : 'US' },
      weight: n % 4 === 0 ? 3 : 1,
    }))
    const { flags, basis, contexts } = of(
      { beta: { enabled: true, countries: ['DE', 'US'] } },
      { beta: { enabled: true, countries: ['US'] } },
      sample,
    )
    expect({ basis, contexts }).toStrictEqual({ basis: 'sample', contexts: 400 })
    expect(flags[0]!.changed).toBeCloseTo(0.5)
  })

  it('shows each country whose shares differ', () => {
    const { flags, summary } = of(
      { beta: { enabled: true, percentage: 5, countries: ['DE', 'FR'] } },
      { beta: { enabled: true, percentage: 5, countries: ['FR'] } },
    )
    const on = flags[0]!.countries.filter(({ variant }) => variant === 'on')
    expect(on).toHaveLength(1)
    expect(on[0]).toMatchObject({ country: 'DE', after: 0 })
    expect(on[0]!.before).toBeGreaterThan(0.03)
    expect(on[0]!.before).toBeLessThan(0.07)
    expect(summary.join()).toMatch(/DE on \d(\.\d)? % → 0 %/)
  })

  it('counts the listed users that are affected, of allowlists and segments', () => {
    const shorter = of(
      { beta: { enabled: true, percentage: 0, allowlist: ['ana', 'bob', 'eve'] } },
      { beta: { enabled: true, percentage: 0, allowlist: ['ana'] } },
    )
    expect(shorter.flags[0]!.listed).toStrictEqual({ users: 3, affected: 2 })
    const flags = {
      beta: { enabled: true, rules: [{ id: 'r', when: { segment: 's' }, serve: 'on' }], fallthrough: 'off' },
    }
    const { flags: found } = impact(
      side({ flags, segments: { s: { include: ['ana', 'bob'] } } }),
      side({ flags, segments: { s: { include: ['ana'] } } }),
      [],
    )
    expect(found).toMatchObject([{ flag: 'beta', listed: { users: 2, affected: 1 } }])
  })

  it('reaches flags that require a flag that changes', () => {
    const gamma = { enabled: true, prerequisites: [{ flag: 'beta', variants: ['on'] }] }
    const delta = { enabled: true, prerequisites: [{ flag: 'gamma', variants: ['on'] }] }
    const { flags } = of({ beta: true, gamma, delta }, { beta: false, gamma, delta })
    expect(flags.map(({ flag, changed }) => [flag, changed])).toStrictEqual([
      ['beta', 1],
      ['delta', 1],
      ['gamma', 1],
    ])
  })

  it('tells flags that come and go', () => {
    const { flags } = of({ gone: true }, { fresh: true })
    expect(flags.map(({ flag, moves }) => [flag, moves])).toStrictEqual([
      ['fresh', [{ from: null, to: 'on', share: 1 }]],
      ['gone', [{ from: 'on', to: null, share: 1 }]],
    ])
  })

  it('measures fifty flags and names the rest', () => {
    const many = (value: boolean) =>
      Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n}`, value]))
    const { flags, unmeasured, summary } = of(many(true), many(false))
    expect([flags.length, unmeasured.length]).toStrictEqual([50, 10])
    expect(summary.at(-1)).toBe('10 more flags change')
  })

  it('names a flag that asks too much, itself or by what it asks, and measures the others', () => {
    const any = (value: string) =>
      Array.from({ length: 20 }, (_, n) => ({ attribute: `a${n}`, op: 'equals', value }))
    const rules = (value: string) =>
      Array.from({ length: 1_000 }, (_, n) => ({ id: `r${n}`, when: { any: any(value) }, serve: 'on' }))
    const flags = (value: string, percentage: number) =>
      ({
        asked: { enabled: true, rules: rules(value), fallthrough: 'off' },
        asks: { enabled: true, percentage, prerequisites: [{ flag: 'asked', variants: ['off'] }] },
        beta: { enabled: true, percentage },
      }) as FlagDocument['flags']
    const found = of(flags('x', 5), flags('y', 10))
    expect(found.flags.map(({ flag }) => flag)).toStrictEqual(['beta'])
    expect(found.unmeasured).toStrictEqual(['asked', 'asks'])
  })

  it('is of flags that ask what changed at the end of a chain, of flags and segments', () => {
    const chain = (include: string[]): FlagDocument => ({
      flags: {
        a: { enabled: true, prerequisites: [{ flag: 'b', variants: ['on'] }] },
        b: { enabled: true, prerequisites: [{ flag: 'c', variants: ['on'] }] },
        c: { enabled: true, rules: [{ id: 'r', when: { segment: 's' }, serve: 'on' }], fallthrough: 'off' },
        d: true,
      },
      segments: { s: { when: { not: { segment: 't' } } }, t: { when: { segment: 'u' } }, u: { include } },
    })
    const found = impact(side(chain([])), side(chain(['synthetic-1'])), [])
    expect(found.flags.map(({ flag, changed }) => [flag, changed])).toStrictEqual([
      ['a', 0.001],
      ['b', 0.001],
      ['c', 0.001],
    ])
  })
})
