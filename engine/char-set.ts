/** Sets of characters, as far as the check of patterns tells them apart: those of ASCII, and whatever lies beyond as one more. Pure. */

/** Four words of 32 characters each, and 1 for whatever lies beyond. */
export type CharSet = readonly [number, number, number, number, number]

export const NOTHING: CharSet = [0, 0, 0, 0, 0]
export const BEYOND: CharSet = [0, 0, 0, 0, 1]
export const ASCII = 128

export const union = (a: CharSet, b: CharSet): CharSet => [
  a[0] | b[0],
  a[1] | b[1],
  a[2] | b[2],
  a[3] | b[3],
  a[4] | b[4],
]

export const overlap = (a: CharSet, b: CharSet): boolean =>
  ((a[0] & b[0]) | (a[1] & b[1]) | (a[2] & b[2]) | (a[3] & b[3]) | (a[4] & b[4])) !== 0

/** What of ASCII is not in a set; nothing beyond. */
export const asciiBut = (set: CharSet): CharSet => [~set[0], ~set[1], ~set[2], ~set[3], 0]

/** From one code point to another, both included: what of them is ASCII. */
export const asciiRange = (from: number, to: number): CharSet => [
  bits(from, to),
  bits(from - 32, to - 32),
  bits(from - 64, to - 64),
  bits(from - 96, to - 96),
  0,
]

const bits = (from: number, to: number): number => below(to + 1) & ~below(from)
const below = (bit: number): number => (bit >= 32 ? -1 : bit <= 0 ? 0 : (1 << bit) - 1)

const SINGLE = Array.from({ length: ASCII }, (_, code) => asciiRange(code, code))

/** The set of one code point. */
export const single = (code: number): CharSet => SINGLE[code] ?? BEYOND
