/** What differs between two documents. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compare } from '../../admin/governance/comparison.ts'
import type { FlagDocument, Route } from '../../engine/index.ts'
import * as arbitrary from '../helpers/documents.ts'
import { applyPatch } from './apply-patch.ts'

const origins = { on: { url: 'https://a.example.com' }, off: { url: 'https://b.example.com' } }
const route = (id: string, fields: object = {}): Route => ({
  id,
  match: {},
  flag: 'f',
  origins,
  fallback: 'off',
  ...fields,
})
const said = (one: FlagDocument, other: FlagDocument) =>
  compare(one, other).differences.map(({ kind, key, change }) => `${kind} ${key} ${change}`)

describe('two documents', () => {
  it('are compared flag by flag, segment by segment and route by route, in the order of their keys', () => {
    const one: FlagDocument = {
      flags: { same: true, gone: true, changed: { enabled: true, percentage: 5 } },
      segments: { s: { include: ['a'] }, t: {} },
      routes: [route('a'), route('b')],
    }
    const other: FlagDocument = {
      flags: { changed: { enabled: true, percentage: 6 }, fresh: true, same: true },
      segments: { s: { include: ['a', 'b'] }, t: {} },
      routes: [route('c'), route('b', { debug: true })],
    }
    expect(said(one, other)).toStrictEqual([
      'flag changed changed',
      'flag fresh added',
      'flag gone removed',
      'segment s changed',
      'route a removed',
      'route b changed',
      'route c added',
    ])
    expect(compare(one, other)).toMatchObject({ same: 2, reordered: false })
  })

  it('differ where two ways of saying the same are written, but not by the order of keys', () => {
    expect(said({ flags: { f: true } }, { flags: { f: { enabled: true } } })).toStrictEqual([
      'flag f changed',
    ])
    const [one, other] = [
      { enabled: true, owner: 'a' },
      { owner: 'a', enabled: true },
    ]
    expect(compare({ flags: { f: one } }, { flags: { f: other } })).toStrictEqual({
      differences: [],
      same: 1,
      reordered: false,
    })
  })

  it('say that their common routes stand in another order', () => {
    const routes = (...ids: string[]): FlagDocument => ({ flags: {}, routes: ids.map((id) => route(id)) })
    expect(compare(routes('a', 'b', 'c'), routes('b', 'a', 'c'))).toMatchObject({
      differences: [],
      same: 3,
      reordered: true,
    })
    expect(compare(routes('a', 'b', 'c'), routes('x', 'a', 'c'))).toMatchObject({ same: 2, reordered: false })
  })

  it('show a difference that is too large by its name alone', () => {
    const users = (name: string) => ({
      enabled: true,
      allowlist: Array.from({ length: 20_000 }, (_, at) => `${name}${at}`),
    })
    expect(compare({ flags: { f: users('a') } }, { flags: { f: users('b') } }).differences).toStrictEqual([
      { kind: 'flag', key: 'f', change: 'changed', patch: null },
    ])
  })

  it('have patches that lead from the one to the other, and back', () => {
    fc.assert(
      fc.property(arbitrary.validDocument, arbitrary.validDocument, (one, other) => {
        const [from, to] = JSON.parse(JSON.stringify([one, other])) as [FlagDocument, FlagDocument]
        for (const [before, after] of [
          [from, to],
          [to, from],
        ] as const) {
          const flags = new Map<string, unknown>(Object.entries(before.flags))
          for (const { key, patch } of compare(before, after).differences)
            flags.set(key, applyPatch(flags.get(key), patch!))
          // Not toStrictEqual: it takes a flag that is named `constructor` for the type of the document.
          expect(Object.fromEntries(flags)).toEqual(after.flags)
        }
      }),
      { numRuns: 200 },
    )
  })
})
