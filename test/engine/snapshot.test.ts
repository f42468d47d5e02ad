/** The wire forms: what is written is read back, and what is damaged is refused with a reason, never half-read. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeLastKnownGood,
  decodeSnapshot,
  encodeLastKnownGood,
  encodeSnapshot,
  lastKnownGoodKey,
  NO_KILLS,
  SNAPSHOT_FORMAT,
  type Snapshot,
} from '../../engine/index.ts'
import { compiled, ENVIRONMENT, EPOCH, killList, VERSION } from '../helpers/cases.ts'
import * as arbitrary from '../helpers/documents.ts'

const document = {
  flags: {
    plain: true,
    'with.dots-and_lines': {
      enabled: true,
      variants: { on: 'a\nb\tc\u2028\r', off: '\ud800 🚀 "\\' },
      fallthrough: 'on',
    },
    ruled: {
      enabled: true,
      rules: [{ id: 'r', when: { segment: 's' }, percentage: 12.345, serve: { on: 1, off: 2 } }],
      fallthrough: 'off',
      metadata: { text: 'tab\there', yes: true, number: 1.5 },
    },
    constructor: 'false',
  },
  segments: { s: { include: ['line\nfeed', 'tab\t'], when: { attribute: 'a', op: 'glob', value: '*\n*' } } },
  routes: [
    {
      id: 'shop',
      match: { path: '/*' },
      flag: 'plain',
      origins: { on: { url: 'https://a.example.com' }, off: { url: 'https://b.example.com' } },
      fallback: 'off',
    },
  ],
}
const access = { open: false, keys: [{ hash: 'ab'.repeat(32), kind: 'server' as const }] }
const { snapshot } = compiled(document, { access })

const decoded = (text: string): Snapshot => {
  const result = decodeSnapshot(text)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** The header alone, one member left out or changed. */
const header = (change: Record<string, unknown>): string => {
  const { flags: _, ...rest } = snapshot
  return JSON.stringify({ ...rest, ...change })
}

describe('a snapshot', () => {
  it('says whose it is, and which', () => {
    expect(snapshot).toMatchObject({
      format: SNAPSHOT_FORMAT,
      environment: ENVIRONMENT,
      epoch: EPOCH,
      version: VERSION,
      access,
    })
  })

  it('is the same after a trip over its wire form', () => {
    expect(decoded(encodeSnapshot(snapshot))).toStrictEqual(
      JSON.parse(JSON.stringify({ ...snapshot, flags: 0 }), revived),
    )
    expect([...decoded(encodeSnapshot(snapshot)).flags]).toStrictEqual([...snapshot.flags])
  })

  it('has the same wire form after a trip over it', () => {
    fc.assert(
      fc.property(arbitrary.validDocument, arbitrary.overlay, (random, overlay) => {
        const text = encodeSnapshot(compiled(random, { overlay }).snapshot)
        expect(encodeSnapshot(decoded(text))).toBe(text)
      }),
      { numRuns: 300 },
    )
  })

  it('has one line for its header and one for each flag, whatever the values hold', () => {
    const lines = encodeSnapshot(snapshot).split('\n')
    expect(lines).toHaveLength(1 + snapshot.flags.size)
    for (const line of lines.slice(1)) expect(line.split('\t')).toHaveLength(2)
    for (const line of lines.slice(1)) expect(() => JSON.parse(line.slice(line.indexOf('\t')))).not.toThrow()
  })

  it('may hold no flag at all', () => {
    const empty = compiled({ flags: {} }).snapshot
    expect(encodeSnapshot(empty)).not.toContain('\n')
    expect(decoded(encodeSnapshot(empty)).flags.size).toBe(0)
  })

  it('ships no prose that only people read', () => {
    const prose = { description: 'SECRET-PROSE', owner: 'SECRET-OWNER' }
    const { snapshot: shipped } = compiled({
      flags: {
        a: {
          ...prose,
          enabled: true,
          rules: [{ id: 'r', description: 'SECRET-PROSE', percentage: 5, serve: 'on' }],
          fallthrough: 'off',
        },
        b: { ...prose, enabled: true, percentage: 5 },
      },
      segments: { s: { description: 'SECRET-PROSE', include: ['u'] } },
    })
    expect(encodeSnapshot(shipped)).not.toContain('SECRET')
  })
})

describe('a damaged snapshot', () => {
  it.each([
    ['nothing', ''],
    ['prose', 'not a snapshot'],
    ['half a header', header({}).slice(0, 40)],
    ['a flag without a key', `${header({})}\n{"enabled":true}`],
    ['a second flag without a key', `${header({})}\na\t{}\nno key here`],
    ['an empty line', `${header({})}\n\na\t{}`],
    ['a line feed at its end', `${encodeSnapshot(snapshot)}\n`],
    ['a header without routes', header({ routes: undefined })],
    ['a header without segments', header({ segments: undefined })],
    ['a header without access', header({ access: undefined })],
    ['a header without version', header({ version: undefined })],
    ['a header whose epoch is a text', header({ epoch: '3' })],
    ['a header whose routes are an object', header({ routes: {} })],
  ])('is malformed: %s', (_, text) => {
    const result = decodeSnapshot(text)
    expect(result.ok ? 'was read' : result.error.reason).toBe('malformed')
    expect(result.ok ? '' : result.error.message).toMatch(/\S+ \S+/)
  })

  it.each([
    ['a later format', header({ format: SNAPSHOT_FORMAT + 1 })],
    ['no format', header({ format: undefined })],
    ['a text for a format', header({ format: '1' })],
    ['null', 'null'],
    ['a list', '[]'],
    ['a number', '42'],
  ])('has an unknown format: %s', (_, text) => {
    const result = decodeSnapshot(text)
    expect(result.ok ? 'was read' : result.error.reason).toBe('unknown-format')
    expect(result.ok ? '' : result.error.message).toContain('format')
  })

  it('is never half-read, wherever it is cut or changed', () => {
    const text = encodeSnapshot(snapshot)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('', '\n', '\t', '{', '\0'), (at, put) => {
        const result = decodeSnapshot(text.slice(0, at) + put)
        if (!result.ok) expect(['malformed', 'unknown-format']).toContain(result.error.reason)
        else expect(result.value.flags.size).toBeLessThanOrEqual(snapshot.flags.size + 1)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the last-known-good copy', () => {
  const copy = {
    writtenAtMs: 1_764_000_000_000,
    kills: killList([{ target: 'flag:plain', variant: 'on' }]),
    snapshot: encodeSnapshot(snapshot),
  }

  it('is the same after a trip over its wire form, and so is the snapshot inside', () => {
    const result = decodeLastKnownGood(encodeLastKnownGood(copy))
    expect(result).toStrictEqual({ ok: true, value: copy })
    expect(encodeSnapshot(decoded(result.ok ? result.value.snapshot : ''))).toBe(copy.snapshot)
  })

  it('may hold no kill', () => {
    const calm = { ...copy, kills: NO_KILLS }
    expect(decodeLastKnownGood(encodeLastKnownGood(calm))).toStrictEqual({ ok: true, value: calm })
  })

  it.each([
    ['nothing', ''],
    ['no line for its header', 'not a copy'],
    ['a header that is no JSON', 'not JSON\nrest'],
    ['a header that is null', 'null\nrest'],
    ['a header that is a list', '[]\nrest'],
    ['a header without kills', '{"writtenAtMs":1}\nrest'],
    ['kills without a list', '{"writtenAtMs":1,"kills":{"epoch":1,"version":1}}\nrest'],
    ['a header without a time', `${JSON.stringify({ kills: NO_KILLS })}\nrest`],
  ])('is refused when it is damaged: %s', (_, text) => {
    const result = decodeLastKnownGood(text)
    expect(result.ok ? 'was read' : result.error).toMatch(/last-known-good .+/)
  })

  it('has a key for each environment', () => {
    expect(lastKnownGoodKey('media.prod')).toBe('media.prod.snapshot')
    expect(lastKnownGoodKey('dev')).not.toBe(lastKnownGoodKey('prod'))
  })
})

/** `JSON.parse` of the header, with the flags put back. */
function revived(this: unknown, key: string, value: unknown): unknown {
  return key === 'flags' && value === 0 ? snapshot.flags : value
}
