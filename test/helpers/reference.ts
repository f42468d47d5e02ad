/**
 * Bucketing (docs/evaluation.md, "Bucketing") a second time: slow, obvious, exact, and sharing no line with `engine/`. The hash is
 * the npm package `murmurhash`; everything else is integer arithmetic on BigInt where a double could round.
 */
import murmurhash from 'murmurhash'

const SPACE = 2n ** 32n

/** murmur3_32 over UTF-8; unpaired surrogates become U+FFFD, as TextEncoder makes them. */
export const referenceMurmur3 = (text: string, seed: number): number => murmurhash.v3(text, seed)

/** MurmurHash3's finaliser. */
function referenceFmix32(hash: number): number {
  let h = BigInt(hash >>> 0)
  h ^= h >> 16n
  h = (h * 0x85ebca6bn) % SPACE
  h ^= h >> 13n
  h = (h * 0xc2b2ae35n) % SPACE
  h ^= h >> 16n
  return Number(h)
}

const xor = (a: number, b: number): number => (a ^ b) >>> 0

export const referenceBucketHash = (key: string, salt: string): number =>
  referenceFmix32(xor(referenceMurmur3(key, 0), referenceMurmur3(salt, 0)))

/** Percent of the hash space that lies below this key's bucket. */
export const referenceBucketPercent = (key: string, salt: string): number =>
  (referenceBucketHash(key, salt) / 2 ** 32) * 100

/** floor(p × 2^32 / 100 + 0.5) in integers; `percentage` in steps of 0.001. */
export function referenceBoundary(percentage: number): number {
  const thousandths = BigInt(Math.round(percentage * 1000))
  return Number((thousandths * SPACE * 2n + 100_000n) / 200_000n)
}

export const referenceBelow = (key: string, salt: string, percentage: number): boolean =>
  referenceBucketHash(key, salt) < referenceBoundary(percentage)

/** Weighted rendezvous: the largest w / -ln(u) wins, the smaller name by code unit if scores are equal. */
export function referenceChoose(
  key: string,
  salt: string,
  weights: Record<string, number>,
): string | undefined {
  const base = referenceMurmur3(key, 0)
  const seed = referenceMurmur3(salt, 0)
  let best: string | undefined
  let bestScore = Number.NEGATIVE_INFINITY
  for (const name of Object.keys(weights).sort(byCodeUnit)) {
    const weight = weights[name]!
    if (!(weight > 0)) continue
    const hash = referenceFmix32(xor(base, referenceMurmur3(name, seed)))
    const score = weight / -Math.log((hash + 0.5) / 2 ** 32)
    if (score > bestScore) {
      best = name
      bestScore = score
    }
  }
  return best
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
