/** The hash and everything cut from it: the published vectors exactly, and a second opinion on whatever they leave out. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import murmurhash from 'murmurhash'
import { describe, expect, it } from 'vitest'
import { boundary, evaluate, murmur3, type PackedFlag, prepare, type Snapshot } from '../../engine/index.ts'
import { compiled, killList } from '../helpers/cases.ts'
import {
  referenceBoundary,
  referenceBucketHash,
  referenceChoose,
  referenceMurmur3,
} from '../helpers/reference.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8'))
const bucketing = read('bucketing.json')
const murmur = read('murmur3.json')

const seeds = fc.oneof(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
)
/** Any code units at all, unpaired surrogates included. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0x20, max: 0x7e }),
      fc.integer({ min: 0xd7f0, max: 0xe00f }),
    ),
    {
      maxLength: 40,
    },
  )
  .map((units) => String.fromCharCode(...units))

describe('murmur3', () => {
  it.each(murmur.vectors as { s: string; seed: number; hash: number }[])(
    'hashes $s with seed $seed to $hash',
    ({ s, seed, hash }) => expect(murmur3(s, seed)).toBe(hash),
  )

  it.each(bucketing.murmur3_32 as { utf8: string; seed: number; hash: number }[])(
    'hashes $utf8 with seed $seed to $hash',
    ({ utf8, seed, hash }) => expect(murmur3(utf8, seed)).toBe(hash),
  )

  it('agrees with the npm package on any text and seed', () => {
    fc.assert(
      fc.property(anyText, seeds, (text, seed) => {
        expect(murmur3(text, seed)).toBe(referenceMurmur3(text, seed))
      }),
      { numRuns: 20_000 },
    )
  })

  it('agrees with the npm package at every length modulo four, around every width of UTF-8', () => {
    const widths = [
      'a',
      '\x7f',
      '\x80',
      '\u07ff',
      '\u0800',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '\u{10000}',
      '\u{10ffff}',
      '\ud800',
      '\udc00',
    ]
    for (const first of widths)
      for (const second of widths)
        for (let length = 0; length < 9; length++) {
          const text = `${'x'.repeat(length)}${first}${'y'.repeat(length % 3)}${second}`
          expect(murmur3(text, 0x9747b28c), JSON.stringify(text)).toBe(referenceMurmur3(text, 0x9747b28c))
        }
  })

  it.each([
    ['\ud800', '\ufffd'],
    ['\udfff', '\ufffd'],
    ['a\udbffb', 'a\ufffdb'],
    ['\ud800é', '\ufffdé'],
    ['\udc00\ud800', '\ufffd\ufffd'],
    ['\ud800\ud83d\ude80', '\ufffd🚀'],
    ['🚀\udc00', '🚀\ufffd'],
  ])('reads the unpaired surrogate of %j as U+FFFD', (text, same) => {
    expect(murmur3(text, 7)).toBe(murmur3(same, 7))
  })

  it('reads a pair of surrogates as one character', () => {
    expect(murmur3('\ud83d\ude80', 0)).not.toBe(murmur3('\ufffd\ufffd', 0))
  })

  it('does not change a text by normalising it', () => {
    expect(murmur3('\u00e9', 0)).not.toBe(murmur3('e\u0301', 0))
  })

  it('hashes texts of many kilobytes', () => {
    for (const text of ['a'.repeat(100_003), 'é'.repeat(65_537), '🚀\ud800'.repeat(20_001)])
      expect(murmur3(text, 1)).toBe(referenceMurmur3(text, 1))
  })

  /**
   * SMHasher's procedure: hash the bytes {0, 1, … i-1} with seed 256-i for i in 0…255, then hash the 256 results. It needs
   * keys that are no UTF-8, which the engine never sees: so the package proves itself on the bytes, and the engine agrees
   * with it on the half of the keys that are ASCII.
   */
  it('is the function whose SMHasher verification value is 0xB0F57EE3', () => {
    const results = new Uint8Array(256 * 4)
    const view = new DataView(results.buffer)
    for (let i = 0; i < 256; i++) {
      const key = Uint8Array.from({ length: i }, (_, at) => at)
      const hash = murmurhash.v3(key, 256 - i)
      view.setUint32(i * 4, hash, true)
      if (i <= 128) expect(murmur3(String.fromCharCode(...key), 256 - i), `key of ${i} bytes`).toBe(hash)
    }
    expect(murmurhash.v3(results, 0)).toBe(0xb0f57ee3)
  })
})

const FLAG = { enabled: true, variants: { on: true, off: false }, off: 'off', fallthrough: 'off' }
const snapshotOf = (flag: object) => compiled({ flags: { f: { ...FLAG, ...flag } } }).snapshot
const served = (snapshot: Snapshot, targetingKey: string): string | null =>
  evaluate(prepare(snapshot, killList()), 'f', { targetingKey }).variant

/** Whether a rule that holds below that boundary holds for a key. No percentage cuts as finely. */
function isBelow(boundary: number, key: string, salt: string): boolean {
  const snapshot = snapshotOf({ salt, rules: [{ id: 'r', percentage: 50, serve: 'on' }] })
  const packed: PackedFlag = JSON.parse(snapshot.flags.get('f')!)
  const rules = packed.rules!.map((rule) => ({ ...rule, below: boundary }))
  return served({ ...snapshot, flags: new Map([['f', JSON.stringify({ ...packed, rules })]]) }, key) === 'on'
}

function chosen(key: string, salt: string, weights: Record<string, number>): string | null {
  const off = 'switched-off'
  const variants = Object.fromEntries([...Object.keys(weights), off].map((name) => [name, name]))
  return served(snapshotOf({ salt, variants, off, fallthrough: weights }), key)
}

/** An empty targeting key is none, so it falls nowhere. */
const withKey = <T extends { key: string }>(rows: T[]): T[] => rows.filter(({ key }) => key !== '')
/** No flag has an empty salt. */
const someText = anyText.filter((text) => text !== '')

describe('a bucket', () => {
  const expectIn = (hash: number, key: string, salt: string) => {
    expect(isBelow(hash, key, salt)).toBe(false)
    expect(isBelow(hash + 1, key, salt)).toBe(true)
  }

  it.each(withKey(bucketing.bucket as { salt: string; key: string; hash: number }[]))(
    'of $key and salt $salt is $hash',
    ({ salt, key, hash }) => expectIn(hash, key, salt),
  )

  it('agrees with the reference on any key and salt', () => {
    fc.assert(
      fc.property(someText, someText, (key, salt) => expectIn(referenceBucketHash(key, salt), key, salt)),
      { numRuns: 5_000 },
    )
  })
})

describe('boundary', () => {
  it.each(bucketing.boundary as { percentage: number; boundary: number }[])(
    'cuts $percentage % at $boundary',
    (row) => expect(boundary(row.percentage)).toBe(row.boundary),
  )

  it('is exact for every percentage of three decimals', () => {
    const wrong: number[] = []
    for (let thousandths = 0; thousandths <= 100_000; thousandths++)
      if (boundary(thousandths / 1000) !== referenceBoundary(thousandths / 1000))
        wrong.push(thousandths / 1000)
    expect(wrong).toStrictEqual([])
  })
})

describe('a choice by weight', () => {
  it.each(
    withKey(
      bucketing.choose as { salt: string; key: string; weights: Record<string, number>; variant: string }[],
    ),
  )('serves $key of salt $salt $variant among $weights', ({ salt, key, weights, variant }) =>
    expect(chosen(key, salt, weights)).toBe(variant),
  )

  it('agrees with the reference on any key, salt and weights', () => {
    const weights = fc.dictionary(
      fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/),
      fc.oneof(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0.001, max: 100, noNaN: true }),
        fc.constant(0),
      ),
      { minKeys: 1, maxKeys: 6 },
    )
    fc.assert(
      fc.property(someText, someText, weights, (key, salt, table) => {
        fc.pre(Object.values(table).some((weight) => weight > 0))
        expect(chosen(key, salt, table)).toBe(referenceChoose(key, salt, table))
      }),
      { numRuns: 5_000 },
    )
  })

  it('does not depend on the order in which the weights are written', () => {
    for (let i = 0; i < 1000; i++)
      expect(chosen(`user${i}`, 's', { a: 1, b: 2, c: 3 })).toBe(
        chosen(`user${i}`, 's', { c: 3, b: 2, a: 1 }),
      )
  })

  it('does not depend on the scale of the weights', () => {
    for (let i = 0; i < 1000; i++)
      expect(chosen(`user${i}`, 's', { a: 1, b: 3 })).toBe(chosen(`user${i}`, 's', { a: 25, b: 75 }))
  })
})
