/**
 * Documents that are large, or made to be slow: what a check costs and what it answers stay in proportion to what was
 * written. Work is counted, not timed: elements of lists that are searched, copied or joined.
 */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CompileIssue, compile, MAX_ISSUES } from '../../engine/index.ts'

const ORIGIN = { url: 'https://a.example.com' }
const BOOLEAN = { enabled: true, fallthrough: 'off' }

const check = (document: unknown) => compile(document, { environment: 'test', epoch: 1, version: 1 })

function errorsOf(document: unknown): readonly CompileIssue[] {
  const result = check(document)
  return result.ok ? [] : result.error
}

function warningsOf(document: unknown): readonly CompileIssue[] {
  const result = check(document)
  if (!result.ok) throw new Error(JSON.stringify(result.error.slice(0, 3)))
  return result.value.warnings
}

const list = <T>(length: number, item: (at: number) => T): T[] => Array.from({ length }, (_, at) => item(at))
const map = <T>(length: number, item: (at: number) => [string, T]) => Object.fromEntries(list(length, item))

const valued = (length: number) => ({
  enabled: true,
  variants: map(length, (at) => [`v${at}`, at]),
  off: 'v0',
  fallthrough: 'v1',
})
const route = (fields: object) => ({ id: 'r', match: {}, flag: 'f', fallback: 'v0', ...fields })
const origins = (length: number) => map(length, (at) => [`v${at}`, ORIGIN])
const rules = (length: number) => list(length, (at) => ({ id: `r${at}`, serve: 'on' }))

describe('of very many errors', () => {
  const wrong = (length: number) => ({ flags: { f: { enabled: true, allowlist: list(length, () => 0) } } })

  it('the first are named, and the others counted', () => {
    const errors = errorsOf(wrong(18_000))
    expect(errors).toHaveLength(MAX_ISSUES + 1)
    expect(errors[MAX_ISSUES - 1]!.path).toBe('$.flags.f.allowlist[999]')
    expect(errors.at(-1)).toStrictEqual({ path: '$', message: '17000 more errors are not listed' })
  })

  it('the last is named where it would be the only one that is counted', () => {
    expect(errorsOf(wrong(MAX_ISSUES + 1)).at(-1)!.path).toBe('$.flags.f.allowlist[1000]')
    expect(errorsOf(wrong(MAX_ISSUES + 2)).at(-1)!.message).toBe('2 more errors are not listed')
  })

  it('those that are only counted make a flag or a segment invalid as well', () => {
    const { flags } = wrong(2_000)
    const segments = { s: { include: list(2_000, () => 0) }, t: { when: { any: 1 } } }
    const errors = errorsOf({ segments, flags: { ...flags, g: { ...BOOLEAN, rules: [{ when: null }] } } })
    expect(errors.at(-1)!.message).toMatch(/^30\d\d more errors are not listed$/)
  })

  it('and of warnings alike', () => {
    const flags = { f: { ...BOOLEAN, rules: rules(1_000) }, g: { ...BOOLEAN, rules: rules(1_000) } }
    const warnings = warningsOf({ flags })
    expect(warnings).toHaveLength(MAX_ISSUES + 1)
    expect(warnings.at(-1)).toStrictEqual({ path: '$', message: '998 more warnings are not listed' })
  })
})

describe('a sentence stays short', () => {
  const long = 'n'.repeat(100_000)
  const isShort = ({ path, message }: CompileIssue) => path.length < 600 && message.length < 600

  it('that says which variants there are', () => {
    expect(errorsOf({ flags: { f: { ...valued(5_000), fallthrough: 'other' } } })).toStrictEqual([
      {
        path: '$.flags.f.fallthrough',
        message: `unknown variant "other"; the flag has ${list(20, (at) => `v${at}`).join(', ')} and 4980 more`,
      },
    ])
  })

  it('that says which variants have no origin', () => {
    const errors = errorsOf({ flags: { f: valued(5_000) }, routes: [route({ origins: origins(10) })] })
    expect(errors).toHaveLength(21)
    expect(errors[0]!.message).toBe('origins must cover the flag\'s variants: "v10" has none')
    expect(errors.at(-1)!.message).toBe("origins must cover the flag's variants: 4970 more have none")
  })

  it.each([
    ['field', { flags: { f: { ...BOOLEAN, [long]: 1 } } }],
    ['flag', { flags: { [long]: BOOLEAN } }],
    ['variant', { flags: { f: { ...BOOLEAN, variants: { [long]: 1 }, rules: [{ id: 'r', serve: 'x' }] } } }],
    [
      'header',
      {
        flags: { f: valued(2) },
        routes: [route({ origins: origins(2), overrides: { header: { [long]: { a: 'x', b: 'y' } } } })],
      },
    ],
    [
      'block',
      { flags: { f: { ...BOOLEAN, rules: [{ id: 'r', when: test('cidr', [long]), serve: 'on' }] } } },
    ],
  ])('whatever the name of a %s is', (_, document) => {
    const errors = errorsOf(document)
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.filter((issue) => !isShort(issue))).toStrictEqual([])
  })

  function test(op: string, value: unknown) {
    return { attribute: 'a', op, value }
  }
})

describe('a check searches, copies and joins no more than what was written', () => {
  let elements = 0
  const spied = ['includes', 'indexOf', 'join', 'slice'] as const

  function elementsOf(document: unknown): number {
    for (const name of spied) {
      const real = Array.prototype[name] as (...given: unknown[]) => unknown
      vi.spyOn(Array.prototype, name).mockImplementation(function (this: unknown[], ...given: unknown[]) {
        elements += this.length
        return real.apply(this, given) as never
      })
    }
    const { keys } = Object
    vi.spyOn(Object, 'keys').mockImplementation((value: object) => {
      const found = keys(value)
      elements += found.length
      return found
    })
    elements = 0
    check(document)
    const counted = elements
    vi.restoreAllMocks()
    return counted
  }

  afterEach(() => {
    vi.restoreAllMocks()
  })

  it.each<[string, (size: number) => unknown]>([
    [
      'prerequisites that name variants of one flag',
      (size) => ({
        flags: {
          f: valued(size),
          ...map(size, (at) => [`g${at}`, { ...BOOLEAN, prerequisites: [{ flag: 'f', variants: ['v1'] }] }]),
        },
      }),
    ],
    [
      'a prerequisite that names many variants',
      (size) => {
        const variants = list(size, (at) => `v${at}`)
        return { flags: { f: valued(size), g: { ...BOOLEAN, prerequisites: [{ flag: 'f', variants }] } } }
      },
    ],
    [
      'weights of many variants',
      (size) => ({ flags: { f: { ...valued(size), fallthrough: map(size, (at) => [`v${at}`, 1]) } } }),
    ],
    [
      'weights of unknown variants',
      (size) => ({ flags: { f: { ...valued(size), fallthrough: map(size, (at) => [`x${at}`, 1]) } } }),
    ],
    [
      'bonds with unknown variants',
      (size) => ({
        flags: {
          f: valued(size),
          m: {
            enabled: true,
            kind: 'migration',
            variants: { old: 'off', new: 'live' },
            off: 'old',
            fallthrough: 'old',
            migration: { pointOfNoReturn: 'live', binds: { f: list(size, (at) => `x${at}`) } },
          },
        },
      }),
    ],
    [
      'origins and overrides of a route',
      (size) => {
        const header = { 'x-to': map(size, (at) => [`a${at}`, `v${at}`]) }
        return {
          flags: { f: valued(size) },
          routes: [route({ origins: origins(size), overrides: { header } })],
        }
      },
    ],
    [
      'routes of a flag with many variants',
      (size) => ({
        flags: { f: valued(size) },
        routes: list(size, (at) => route({ id: `r${at}`, origins: origins(1) })),
      }),
    ],
    [
      'members of a pool',
      (size) => ({
        flags: { f: valued(1) },
        routes: [
          route({
            origins: { v0: { pool: list(size, (at) => ({ url: `https://a${at}.example.com` })) } },
          }),
        ],
      }),
    ],
  ])('%s', (_, document) => {
    const [few, many] = [elementsOf(document(200)), elementsOf(document(800))]
    expect(many).toBeLessThan(5 * few)
  })
})
