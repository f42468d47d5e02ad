/**
 * Bucketing: one hash of the key per context, one finaliser per question. Everything that cuts traffic cuts here, so
 * raising a percentage only adds users and changing weights moves only the users that must move. Pure.
 * Source: docs/evaluation.md, "Bucketing".
 */
import type { Name } from './document.ts'
import { fmix32, murmur3 } from './hash.ts'

/** Size of the hash space, 2^32. */
export const HASH_SPACE = 0x1_0000_0000

/** Share of the hash space below `percentage` (0…100), an integer in [0, 2^32]; 100 is everyone. */
export const boundary = (percentage: number): number => Math.floor((percentage * HASH_SPACE) / 100 + 0.5)

/**
 * The text that is hashed for an attribute's value: a string as it is, a number in its shortest JSON form, a boolean as
 * `true` or `false`. `null` where the value is no bucket key (absent, null, empty, not finite, object, array).
 */
export function bucketKey(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null
  return typeof value === 'boolean' ? String(value) : null
}

/** Seed of a variant in a weighted choice; `seed` is that of the salt. */
export const variantSeed = (name: Name, seed: number): number => murmur3(name, seed)

/** A variant's score in weighted rendezvous hashing: the largest serves. `weight` > 0. */
export const score = (base: number, seed: number, weight: number): number =>
  weight / -Math.log(placeOf(base, seed))

/** Where a base falls for a seed, in (0, 1). */
export const placeOf = (base: number, seed: number): number => (fmix32(base ^ seed) + 0.5) / HASH_SPACE
