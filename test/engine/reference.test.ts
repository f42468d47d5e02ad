/** The reference that golden cases and properties lean on has to agree with the published vectors itself. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  referenceBoundary,
  referenceBucketHash,
  referenceBucketPercent,
  referenceChoose,
  referenceMurmur3,
} from '../helpers/reference.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8'))
const bucketing = read('bucketing.json')
const murmur = read('murmur3.json')

describe('the reference implementation', () => {
  it('hashes every murmur3 vector as published', () => {
    for (const { s, seed, hash } of murmur.vectors)
      expect(referenceMurmur3(s, seed), JSON.stringify(s)).toBe(hash)
    for (const { utf8, seed, hash } of bucketing.murmur3_32)
      expect(referenceMurmur3(utf8, seed), utf8).toBe(hash)
  })

  it('buckets, cuts and chooses every bucketing vector as published', () => {
    for (const { salt, key, hash, percent } of bucketing.bucket) {
      expect(referenceBucketHash(key, salt), `${salt} ${key}`).toBe(hash)
      expect(referenceBucketPercent(key, salt), `${salt} ${key}`).toBeCloseTo(percent, 5)
    }
    for (const { percentage, boundary } of bucketing.boundary)
      expect(referenceBoundary(percentage), `${percentage} %`).toBe(boundary)
    for (const { salt, key, weights, variant } of bucketing.choose)
      expect(referenceChoose(key, salt, weights), `${salt} ${key}`).toBe(variant)
  })

  it('finds the specified boundary formula exact in doubles for every percentage of three decimals', () => {
    for (let thousandths = 0; thousandths <= 100_000; thousandths++) {
      const percentage = thousandths / 1000
      const formula = Math.floor((percentage * 2 ** 32) / 100 + 0.5)
      if (formula !== referenceBoundary(percentage))
        expect(formula, `${percentage} %`).toBe(referenceBoundary(percentage))
    }
  })
})
