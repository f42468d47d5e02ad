/** Which flags a filter lets through, of every way to write a flag. */
import { describe, expect, it } from 'vitest'
import { type FlagFilter, matchFlag } from '../../admin/governance/flag-filter.ts'
import type { Flag, ShortFlag } from '../../engine/index.ts'

const NOW = Date.parse('2026-11-01T00:00:00Z')
const DAY = 86_400_000

const FLAGS: Record<string, Flag | ShortFlag> = {
  bare: true,
  text: 'false',
  'short-web': { enabled: true, percentage: 50, owner: 'web', tags: ['a', 'b'], kind: 'release' },
  'full-web': { enabled: false, rules: [], fallthrough: 'on', owner: 'web', tags: ['b'], kind: 'ops' },
  Described: { enabled: true, percentage: 1, description: 'The new Checkout' },
  expired: { enabled: true, percentage: 5, expiresAt: '2026-10-01T00:00:00Z' },
  rolling: {
    enabled: true,
    rules: [{ id: 'r', percentage: { rollout: 'x' }, serve: 'on' }],
    fallthrough: 'on',
  },
}

/** Keys of the flags that the filter lets through; all last changed so many days ago. */
const found = (filter: FlagFilter, days = 1): string[] =>
  Object.entries(FLAGS)
    .filter(([key, flag]) => matchFlag(filter, key, flag, NOW - days * DAY, NOW) !== null)
    .map(([key]) => key)

describe('a filter of flags', () => {
  it.each<[FlagFilter, string[]]>([
    [{}, Object.keys(FLAGS)],
    [{ tag: 'b' }, ['short-web', 'full-web']],
    [{ tag: 'a' }, ['short-web']],
    [{ tag: 'B' }, []],
    [{ owner: 'web' }, ['short-web', 'full-web']],
    [{ owner: 'we' }, []],
    [{ kind: 'ops' }, ['full-web']],
    [{ enabled: false }, ['text', 'full-web']],
    [{ enabled: true }, ['bare', 'short-web', 'Described', 'expired', 'rolling']],
    [{ q: 'WEB' }, ['short-web', 'full-web']],
    [{ q: 'checkout' }, ['Described']],
    [{ q: 'described' }, ['Described']],
    [{ stale: true }, ['expired']],
    [{ stale: false }, ['bare', 'text', 'short-web', 'full-web', 'Described', 'rolling']],
    [{ owner: 'web', enabled: true }, ['short-web']],
    [{ owner: 'web', tag: 'a', kind: 'ops' }, []],
  ])('%j lets through %j', (filter, keys) => {
    expect(found(filter)).toEqual(keys)
  })

  it('knows how long nothing has changed, and that a rollout runs', () => {
    expect(found({ stale: true }, 30)).toEqual(['bare', 'expired'])
    expect(found({ stale: true }, 90)).toEqual(['bare', 'text', 'expired'])
  })

  it('says why a flag is stale, if it asks', () => {
    expect(matchFlag({ stale: true }, 'expired', FLAGS.expired!, NOW, NOW)?.stale).toMatchObject({
      reason: 'expired',
    })
    expect(matchFlag({ owner: 'web' }, 'full-web', FLAGS['full-web']!, 0, NOW)).toEqual({ stale: null })
  })
})
