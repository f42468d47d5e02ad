/** Before and after as a JSON Patch: it leads from the one to the other, and from nothing else. */
import fc from 'fast-check'
import * as rfc6902 from 'rfc6902'
import { describe, expect, it } from 'vitest'
import { MAX_LIST_EDITS, type Operation, patchBetween } from '../../admin/governance/json-patch.ts'
import { applyPatch } from './apply-patch.ts'

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'a/b', 'm~n', '', '0', '__proto__', 'constructor'),
  fc.string(),
)
const json = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, true, false, 0, 1, 'x', 'y', ''),
    fc.array(tie('any'), { maxLength: 5 }),
    fc
      .array(fc.tuple(key, tie('any')), { maxLength: 4 })
      .map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries)))),
  ),
})).any

const small = (before: unknown, after: unknown): readonly Operation[] => {
  const patch = patchBetween(before, after)
  if (patch === null) throw new Error('the patch is too large')
  return patch
}

describe('a patch', () => {
  it('leads from before to after, whatever they are', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        expect(text(applyPatch(before, small(before, after)))).toBe(text(after))
      }),
      { numRuns: 3_000 },
    )
  })

  it('leads from one list to another that repeats its elements', () => {
    const list = fc.array(fc.constantFrom<unknown>('a', 'b', { c: 1, d: 2 }, { d: 2, c: 1 }), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(list, list, (before, after) => {
        expect(applyPatch(before, small(before, after))).toStrictEqual(after)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is empty exactly when both are the same', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        expect(small(before, structuredClone(before))).toStrictEqual([])
        const same = small(before, after).length === 0
        expect(same).toBe(text(before) === text(after))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is read the same way by another implementation of the standard', () => {
    const plain = json.filter((value) => !/__proto__|constructor|prototype/.test(JSON.stringify(value)))
    fc.assert(
      fc.property(plain, plain, (before, after) => {
        const document = { it: structuredClone(before) }
        const patch = small({ it: before }, { it: after }) as rfc6902.Operation[]
        expect(rfc6902.applyPatch(document, patch).filter((error) => error !== null)).toStrictEqual([])
        expect(document).toStrictEqual({ it: after })
      }),
      { numRuns: 1_000 },
    )
  })

  it('tests the old value right before it replaces or removes it', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const patch = small(before, after)
        for (const [at, operation] of patch.entries())
          if (operation.op === 'replace' || operation.op === 'remove')
            expect(patch[at - 1]).toMatchObject({ op: 'test', path: operation.path })
      }),
      { numRuns: 1_000 },
    )
  })

  it('fails on a thing whose replaced or removed values are others', () => {
    fc.assert(
      fc.property(json, json, json, (before, after, other) => {
        const patch = small({ it: before }, { it: after })
        const differs = small({ it: before }, { it: other }).some(({ path }) => path === '/it')
        fc.pre(differs && patch.some(({ op, path }) => op === 'replace' && path === '/it'))
        expect(() => applyPatch({ it: other }, patch)).toThrow('test failed')
      }),
      { numRuns: 500 },
    )
  })

  it('leaves both sides as they were', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        const was = JSON.stringify([before, after])
        patchBetween(before, after)
        expect(JSON.stringify([before, after])).toBe(was)
      }),
    )
  })
})

describe('what a patch says', () => {
  it.each([
    ['a field', { on: true, n: 1 }, { on: true, n: 2 }, ['test /n', 'replace /n']],
    ['a field that comes', {}, { 'a/b~c': 1 }, ['add /a~1b~0c']],
    ['a field that goes', { a: 1 }, {}, ['test /a', 'remove /a']],
    ['a key named __proto__', {}, JSON.parse('{"__proto__":1}'), ['add /__proto__']],
    ['an object become a list', { a: {} }, { a: [] }, ['test /a', 'replace /a']],
    ['one user more', { l: ['a', 'c'] }, { l: ['a', 'b', 'c'] }, ['add /l/1']],
    ['one more at the end', { l: ['a'] }, { l: ['a', 'b'] }, ['add /l/1']],
    ['one user less', { l: ['a', 'b', 'c'] }, { l: ['a', 'c'] }, ['test /l/1', 'remove /l/1']],
    ['the order of keys', { a: 1, b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 }, a: 1 }, []],
    ['one more of the same', ['a'], ['a', 'a'], ['add /1']],
    [
      'keys in another order within a list',
      ['x', { a: 1, b: 2 }, 'y'],
      [{ b: 2, a: 1 }],
      ['test /0', 'remove /0', 'test /1', 'remove /1'],
    ],
    [
      'a rule in the middle',
      { rules: [{ id: 'a' }, { id: 'b', percentage: 5 }, { id: 'c' }] },
      { rules: [{ id: 'a' }, { id: 'b', percentage: 10 }, { id: 'c' }] },
      ['test /rules/1/percentage', 'replace /rules/1/percentage'],
    ],
    [
      'several places of a list',
      ['a', 'b', 'c', 'd', 'e'],
      ['x', 'a', 'c', 'd', 'E'],
      ['add /0', 'test /2', 'remove /2', 'test /4', 'replace /4'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(small(before, after).map(({ op, path }) => `${op} ${path}`)).toStrictEqual(expected)
  })

  it('of a thing that comes into being, or goes', () => {
    expect(patchBetween(undefined, { a: 1 })).toStrictEqual([{ op: 'add', path: '', value: { a: 1 } }])
    expect(patchBetween({ a: 1 }, undefined)).toStrictEqual([
      { op: 'test', path: '', value: { a: 1 } },
      { op: 'remove', path: '' },
    ])
    expect(patchBetween(undefined, undefined)).toStrictEqual([])
    expect(patchBetween(true, false)).toStrictEqual([
      { op: 'test', path: '', value: true },
      { op: 'replace', path: '', value: false },
    ])
  })
})

describe('a large thing', () => {
  const users = (count: number, name = 'user') => Array.from({ length: count }, (_, at) => `${name}-${at}`)

  it('is a small patch if little of a long list changes', () => {
    const before = users(200_000)
    const after = before.toSpliced(150_000, 1).toSpliced(70_000, 0, 'new').toSpliced(5, 1, 'other')
    const patch = small({ allowlist: before }, { allowlist: after })
    expect(patch.map(({ op, path }) => `${op} ${path}`)).toStrictEqual([
      'test /allowlist/5',
      'replace /allowlist/5',
      'add /allowlist/70000',
      'test /allowlist/150001',
      'remove /allowlist/150001',
    ])
  })

  it('is replaced as a whole where most of a list changes', () => {
    const [before, after] = [users(MAX_LIST_EDITS), users(MAX_LIST_EDITS, 'guest')]
    expect(small(before, after).map(({ op, path }) => `${op} ${path}`)).toStrictEqual(['test ', 'replace '])
  })

  it('is no patch at all if that would be larger than 64 KB', () => {
    expect(patchBetween(users(50_000), users(50_000, 'guest'))).toBeNull()
    expect(patchBetween(undefined, 'x'.repeat(70_000))).toBeNull()
    expect(patchBetween(undefined, 'x'.repeat(60_000))).not.toBeNull()
  })

  it('costs no more than its length where every element is another', () => {
    const rules = (name: string) =>
      Array.from({ length: 1000 }, (_, at) => ({ id: `${name}${at}`, list: users(100, name) }))
    let reads = 0
    const counted = rules('a').map((rule) => ({
      ...rule,
      get id() {
        reads += 1
        return rule.id
      },
    }))
    expect(patchBetween(counted, rules('b'))).toBeNull()
    expect(reads).toBeLessThan(20 * 1000)
  })
})

/** Two values are the same exactly if these texts are. */
const text = (value: unknown): string => JSON.stringify(sorted(value))

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return { object: entries.map(([name, inner]) => [name, sorted(inner)]) }
}
