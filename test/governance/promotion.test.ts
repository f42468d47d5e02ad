/** Flags from one environment to another: what is copied, what stays, and what is missing. */
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { withLocalParts } from '../../admin/governance/local-parts.ts'
import { type Chosen, copyable, promote } from '../../admin/governance/promotion.ts'
import { compile, evaluateAll, type Flag, type FlagDocument, prepare, type Rule } from '../../engine/index.ts'
import { killList } from '../helpers/cases.ts'
import * as arbitrary from '../helpers/documents.ts'

type Part = Partial<Record<keyof FlagDocument, unknown>>

function promoted(source: Part, target: Part, chosen: Chosen = 'all') {
  const was = JSON.stringify([source, target])
  const result = promote(source as FlagDocument, target as FlagDocument, chosen)
  expect(JSON.stringify([source, target])).toBe(was)
  if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path} ${message}`).join('\n'))
  const compiled = compile(result.value.document, { environment: 'test', epoch: 1, version: 1 })
  expect(compiled.ok ? [] : compiled.error).toStrictEqual([])
  return result.value
}

function errors(source: Part, target: Part, chosen: Chosen = 'all'): string[] {
  const result = promote(source as FlagDocument, target as FlagDocument, chosen)
  return result.ok ? [] : result.error.map(({ path, message }) => `${path} ${message}`)
}

/** What becomes of the target's flag `f`. */
const flagOf = (source: unknown, target: unknown): unknown =>
  promoted({ flags: { f: source } }, { flags: target === undefined ? {} : { f: target } }).document.flags.f

const rule = (id: string, fields: object = {}) => ({ id, serve: 'on', ...fields })
const full = (rules: object[], fields: object = {}) => ({
  enabled: true,
  rules,
  fallthrough: 'off',
  ...fields,
})
const local = (parts: string) => ({ metadata: { local: parts } })

describe('a promotion', () => {
  it('copies the chosen flags as they are written, and leaves the others and the routes alone', () => {
    const origins = { on: { url: 'https://a.example.com' }, off: { url: 'https://b.example.com' } }
    const route = { id: 'r', match: {}, flag: 'mine', origins, fallback: 'off' }
    const source = {
      flags: { f: 'true', g: { enabled: true, percentage: 5 }, h: true },
      routes: [{ ...route, id: 'x', flag: 'h' }],
    }
    const target = { flags: { mine: false, g: false }, routes: [route] }
    const { document, flags, segments, kept } = promoted(source, target, ['g', 'f', 'g'])
    expect(document).toStrictEqual({
      flags: { mine: false, g: { enabled: true, percentage: 5 }, f: 'true' },
      routes: [route],
    })
    expect({ flags, segments, kept }).toStrictEqual({ flags: ['g', 'f'], segments: [], kept: [] })
  })

  it('copies all flags of the source, and removes none of the target', () => {
    const { document, flags } = promoted({ flags: { f: true, g: true } }, { flags: { g: false, h: false } })
    expect(document.flags).toStrictEqual({ g: true, h: false, f: true })
    expect(flags).toStrictEqual(['f', 'g'])
  })

  it('brings the segments that flags need, directly and through others, as the source has them', () => {
    const segments = {
      a: { when: { not: { segment: 'b' } } },
      b: { when: { any: [{ segment: 'c' }] } },
      c: { include: ['x'] },
      unused: { include: ['y'] },
    }
    const source = { flags: { f: full([rule('r', { when: { all: [{ segment: 'a' }] } })]) }, segments }
    const target = { flags: {}, segments: { c: { include: ['old'] }, unused: { include: ['mine'] } } }
    const { document, segments: copied } = promoted(source, target)
    expect(copied).toStrictEqual(['a', 'b', 'c'])
    expect(document.segments).toStrictEqual({ ...segments, unused: { include: ['mine'] } })
  })

  it('decides in the target as in the source, whatever the documents', () => {
    fc.assert(
      fc.property(
        arbitrary.validDocument,
        arbitrary.validDocument,
        arbitrary.context,
        (source, target, context) => {
          const { document } = promoted(source as Part, target as Part)
          const decisions = [source, document].map((each) => {
            const compiled = compile(each, { environment: 'test', epoch: 1, version: 1 })
            return compiled.ok && evaluateAll(prepare(compiled.value.snapshot, killList()), context)
          })
          expect(decisions[1]).toStrictEqual(decisions[0])
        },
      ),
      { numRuns: 300 },
    )
  })

  it('needs no more of the source than what may be copied of it, whatever the documents and the choice', () => {
    fc.assert(
      fc.property(arbitrary.validDocument, arbitrary.validDocument, fc.nat(), (source, target, seed) => {
        const whole = source as FlagDocument
        const keys = Object.keys(whole.flags).filter((_, at) => (seed >> (at % 30)) & 1)
        for (const chosen of ['all', keys] satisfies Chosen[])
          expect(promote(copyable(whole, chosen), target as FlagDocument, chosen)).toStrictEqual(
            promote(whole, target as FlagDocument, chosen),
          )
      }),
      { numRuns: 300 },
    )
  })
})

describe('a local part', () => {
  it.each<[string, source: unknown, target: unknown, becomes: unknown]>([
    [
      'stays as it is in the target, and the rest is copied',
      { enabled: true, percentage: 50, allowlist: ['dev'], owner: 'web' },
      { enabled: false, percentage: 5, allowlist: ['prod'], ...local('allowlist, enabled') },
      { enabled: false, percentage: 50, allowlist: ['prod'], owner: 'web', ...local('allowlist, enabled') },
    ],
    [
      'stays off the bare boolean that is copied over it',
      true,
      { enabled: false, ...local('enabled') },
      { enabled: false, ...local('enabled') },
    ],
    [
      'that the target does not have stays absent',
      { enabled: true, percentage: 50, allowlist: ['dev'], denylist: ['x'] },
      { enabled: true, percentage: 5, ...local('allowlist') },
      { enabled: true, percentage: 50, denylist: ['x'], ...local('allowlist') },
    ],
    [
      'is the same under its other name',
      { enabled: true, rolloutPercentage: 50, allowlist: ['dev'] },
      { enabled: true, percentage: 5, allowedUsers: ['prod'], ...local('allowlist,percentage') },
      { enabled: true, percentage: 5, allowedUsers: ['prod'], ...local('allowlist,percentage') },
    ],
    [
      'is a field of the full form',
      full([rule('r')], { variants: { on: 1, off: 0 }, salt: 'a' }),
      full([], { fallthrough: 'on', salt: 'b', ...local('fallthrough, salt') }),
      full([rule('r')], {
        variants: { on: 1, off: 0 },
        fallthrough: 'on',
        salt: 'b',
        ...local('fallthrough, salt'),
      }),
    ],
    [
      'may be all of the rules',
      full([rule('r')]),
      full([rule('mine')], local('rules')),
      full([rule('mine')], local('rules')),
    ],
    [
      'may be the metadata',
      full([], { metadata: { team: 'dev' } }),
      full([], { metadata: { team: 'prod', local: 'metadata' } }),
      full([], { metadata: { team: 'prod', local: 'metadata' } }),
    ],
    [
      'is none that the source marks',
      { enabled: true, metadata: { local: 'enabled', team: 'dev' } },
      { enabled: false },
      { enabled: true, metadata: { team: 'dev' } },
    ],
    [
      'is none that the source marks, if that was all of its metadata',
      { enabled: true, ...local('enabled') },
      false,
      { enabled: true },
    ],
    [
      'is what the target marks, not what the source does',
      { enabled: true, owner: 'dev', metadata: { local: 'owner', team: 'dev' } },
      { enabled: false, owner: 'prod', metadata: { local: ' enabled ,, enabled', team: 'prod' } },
      { enabled: false, owner: 'dev', metadata: { team: 'dev', local: ' enabled ,, enabled' } },
    ],
    [
      'of a flag that is new comes along with its mark',
      { enabled: true, ...local('enabled') },
      undefined,
      { enabled: true, ...local('enabled') },
    ],
    [
      'of the other form does not matter if it is not there',
      full([rule('r')]),
      { enabled: false, ...local('enabled, allowlist, rules.beta') },
      full([rule('r')], { enabled: false, ...local('enabled, allowlist, rules.beta') }),
    ],
  ])('%s', (_, source, target, becomes) => {
    expect(flagOf(source, target)).toStrictEqual(becomes)
  })

  it('is told once', () => {
    const { kept } = promoted(
      { flags: { f: true } },
      { flags: { f: { enabled: false, ...local('enabled, owner, enabled') } } },
    )
    expect(kept).toStrictEqual(['flag f: enabled', 'flag f: owner'])
  })

  it.each([
    [
      'alowlist',
      true,
      { enabled: true },
      'the target names "alowlist" in its metadata "local", which is neither a field of a flag nor rules.ID',
    ],
    [
      'rules.',
      true,
      { enabled: true },
      'the target names "rules." in its metadata "local", which is neither a field of a flag nor rules.ID',
    ],
    [
      '__proto__',
      true,
      { enabled: true },
      'the target names "__proto__" in its metadata "local", which is neither a field of a flag nor rules.ID',
    ],
    [
      'allowlist',
      full([]),
      { enabled: true, allowedUsers: ['a'] },
      'the target keeps its own "allowlist", but one of the two flags is a short form and the other is written with rules',
    ],
    [
      'rules.beta',
      true,
      full([rule('beta')]),
      'the target keeps its own "rules.beta", but one of the two flags is a short form and the other is written with rules',
    ],
    [
      'fallthrough',
      'false',
      full([]),
      'the target keeps its own "fallthrough", but one of the two flags is a short form and the other is written with rules',
    ],
  ])('that cannot be kept is an error: %s', (part, source, target, message) => {
    const marked = { flags: { f: { ...target, ...local(`enabled, ${part}`) } } }
    expect(errors({ flags: { g: true, f: source } }, marked, ['g', 'f'])).toStrictEqual([
      `$.flags[1] flag "f": ${message}`,
    ])
  })
})

describe('a local rule', () => {
  const ids = (source: string[], target: string[], parts: string) =>
    (
      flagOf(
        full(source.map((id) => rule(id))),
        full(
          target.map((id) => rule(id, { description: 'mine' })),
          local(parts),
        ),
      ) as { rules: { id: string; description?: string }[] }
    ).rules.map(({ id, description }) => (description ? `${id}!` : id))

  it.each<[string, string[], string[], string, string[]]>([
    ['stands where the source has it', ['a', 'b', 'c'], ['b', 'a'], 'rules.b', ['a', 'b!', 'c']],
    [
      'that the source lacks stands behind the rule that is before it',
      ['block', 'c'],
      ['block', 'beta'],
      'rules.beta',
      ['block', 'beta!', 'c'],
    ],
    ['that is before every other stays so', ['a', 'b'], ['beta', 'a'], 'rules.beta', ['beta!', 'a', 'b']],
    [
      'goes by the nearest rule that there still is',
      ['a', 'c'],
      ['a', 'gone', 'beta', 'c'],
      'rules.beta',
      ['a', 'beta!', 'c'],
    ],
    ['keeps the order of several', ['a'], ['a', 'x', 'y'], 'rules.y, rules.x', ['a', 'x!', 'y!']],
    ['that the target lacks is not copied', ['a', 'beta'], ['a'], 'rules.beta', ['a']],
    ['that nobody has does not matter', ['a'], ['a'], 'rules.beta', ['a']],
  ])('%s', (_, source, target, parts, expected) => {
    expect(ids(source, target, parts)).toStrictEqual(expected)
  })

  it('keeps the target’s segment, and the source’s segment for it does not come along', () => {
    const flag = (fields: object = {}) => full([rule('beta', { when: { segment: 'beta' } })], fields)
    const source = { flags: { f: flag() }, segments: { beta: { include: ['dev'] } } }
    const target = { flags: { f: flag(local('rules.beta')) }, segments: { beta: { include: ['prod'] } } }
    expect(promoted(source, target)).toMatchObject({ segments: [], document: { segments: target.segments } })
    expect(promoted(source, { ...target, flags: { f: flag() } })).toMatchObject({
      segments: ['beta'],
      document: { segments: source.segments },
    })
  })
})

describe('what is missing', () => {
  const needs = (...flags: string[]) =>
    full([], { prerequisites: flags.map((flag) => ({ flag, variants: ['on'] })) })

  it('is named: flags that the source does not have', () => {
    expect(errors({ flags: { f: true } }, { flags: { g: true } }, ['f', 'g', 'constructor'])).toStrictEqual([
      '$.flags[1] the source has no flag "g"',
      '$.flags[2] the source has no flag "constructor"',
    ])
  })

  it('is named: flags that are required, unless they come along or are there', () => {
    const source = { flags: { f: needs('g', 'h'), g: true, h: needs('i'), i: true } }
    expect(errors(source, { flags: { i: true } }, ['f'])).toStrictEqual([
      '$.flags[0] "f" requires flag "g", which the target does not have: promote it too',
      '$.flags[0] "f" requires flag "h", which the target does not have: promote it too',
    ])
    expect(errors(source, { flags: { i: true } }, ['g', 'f', 'f', 'h'])).toStrictEqual([])
    expect(errors(source, { flags: {} })).toStrictEqual([])
  })

  it('is nothing that a local part replaces', () => {
    const source = { flags: { f: needs('g'), g: true } }
    const target = { flags: { f: { ...needs('mine'), ...local('prerequisites') }, mine: true } }
    expect(promoted(source, target, ['f']).document.flags.f).toMatchObject({
      prerequisites: [{ flag: 'mine' }],
    })
  })

  it('is named by its place in the request, or as a whole where all flags were asked for', () => {
    const target = { flags: { b: { enabled: true, ...local('nothing') } } }
    expect(errors({ flags: { a: true, b: true } }, target)[0]).toMatch(/^\$\.flags flag "b": /)
    expect(errors({ flags: { a: true, b: true } }, target, ['a', 'a', 'b'])[0]).toMatch(
      /^\$\.flags\[2\] flag "b": /,
    )
  })
})

describe('very many local rules', () => {
  const rules = (prefix: string, length: number): Rule[] =>
    Array.from({ length }, (_, n) => ({ id: `${prefix}${n}`, percentage: 1, serve: 'on' }))

  /** Elements of lists that are searched or copied. */
  function elementsOf(length: number): number {
    let elements = 0
    for (const name of ['includes', 'findLastIndex', 'slice'] as const) {
      const real = Array.prototype[name] as (...given: unknown[]) => unknown
      vi.spyOn(Array.prototype, name).mockImplementation(function (this: unknown[], ...given: unknown[]) {
        elements += this.length
        return real.apply(this, given) as never
      })
    }
    const target = rules('own', length)
    const metadata = { local: target.map(({ id }) => `rules.${id}`).join() }
    const merged = withLocalParts(
      { enabled: true, rules: rules('r', length), fallthrough: 'off' },
      { enabled: true, rules: target, fallthrough: 'off', metadata },
    )
    vi.restoreAllMocks()
    expect(merged.ok ? (merged.value.flag as Flag).rules!.map(({ id }) => id) : []).toStrictEqual(
      [...target, ...rules('r', length)].map(({ id }) => id),
    )
    return elements
  }

  it('are merged without a search through all of them for each', () => {
    expect(elementsOf(800)).toBeLessThanOrEqual(5 * elementsOf(200))
  })
})
