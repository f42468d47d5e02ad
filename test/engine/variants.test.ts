/** Which variants a flag can serve: never fewer than it does, and one where there is no choice. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluate, type Kill, prepare, variantsOf } from '../../engine/index.ts'
import { compiled, killList } from '../helpers/cases.ts'
import * as arbitrary from '../helpers/documents.ts'

const of = (flag: object, kills: Kill[] = [], overrides: string[] = []) => {
  const full = { enabled: true, variants: { blue: 1, green: 2, red: 3 }, off: 'blue', ...flag }
  const prepared = prepare(compiled({ flags: { f: full } }).snapshot, killList(kills))
  return [...variantsOf(prepared, 'f', 'shop', overrides)].sort()
}

describe('the variants a flag can serve', () => {
  it('hold every variant that it does serve, whatever document, kills and context', () => {
    fc.assert(
      fc.property(arbitrary.validDocument, arbitrary.kills, arbitrary.context, (document, kills, context) => {
        const prepared = prepare(compiled(document).snapshot, killList(kills as Kill[]))
        for (const key of arbitrary.FLAG_KEYS) {
          const decision = evaluate(prepared, key, context, { route: 'shop', headerOverride: 'green' })
          expect([...variantsOf(prepared, key, 'shop', ['green'])], key).toContain(decision.variant)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('are one where everybody gets the same', () => {
    expect(of({ fallthrough: 'green' })).toEqual(['green'])
    expect(of({ enabled: false, fallthrough: { green: 1, red: 1 } })).toEqual(['blue'])
    const everybody = { id: 'all', serve: 'red' }
    expect(of({ rules: [everybody], fallthrough: { green: 1, blue: 1 } })).toEqual(['red'])
    expect(of({ rules: [{ id: 'none', percentage: 0, serve: 'red' }], fallthrough: 'green' })).toEqual([
      'green',
    ])
    expect(of({ fallthrough: { green: 100, red: 0 } })).not.toContain('red')
  })

  it('are several where rules, weights, prerequisites or header overrides may tell visitors apart', () => {
    expect(of({ rules: [{ id: 'some', percentage: 1, serve: 'red' }], fallthrough: 'green' })).toEqual([
      'green',
      'red',
    ])
    expect(of({ fallthrough: { green: 1, red: 1 } })).toEqual(['blue', 'green', 'red'])
    expect(of({ fallthrough: 'green' }, [], ['red', 'no-variant'])).toEqual(['green', 'red'])
  })

  it('are that of the kill while there is one, overrides or not', () => {
    const split = { fallthrough: { green: 1, red: 1 } }
    expect(of(split, [{ target: 'flag:f' }], ['red'])).toEqual(['blue'])
    expect(of(split, [{ target: 'route:shop', variant: 'green' }])).toEqual(['green'])
    expect(of(split, [{ target: 'all-routes' }])).toEqual(['blue'])
  })

  it('are none where there is no such flag', () => {
    const prepared = prepare(compiled({ flags: {} }).snapshot, killList())
    expect(variantsOf(prepared, 'gone', 'shop', ['on']).size).toBe(0)
  })
})
