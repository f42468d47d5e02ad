/**
 * MurmurHash3 x86 32-bit over UTF-8, as in SMHasher (verification value 0xB0F57EE3). Pure; hashes a string without
 * allocating. An unpaired surrogate is hashed as U+FFFD, as every UTF-8 encoder writes it.
 * Source: https://github.com/aappleby/smhasher (MurmurHash3.cpp, public domain); vectors in test/vectors.
 */

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** Hash of `utf8(text)` as an unsigned 32-bit integer. `seed`: unsigned 32-bit. */
export function murmur3(text: string, seed: number): number {
  const length = text.length
  const blocks = length & ~3
  let hash = seed | 0
  let at = 0
  for (; at < blocks; at += 4) {
    const a = text.charCodeAt(at)
    const b = text.charCodeAt(at + 1)
    const c = text.charCodeAt(at + 2)
    const d = text.charCodeAt(at + 3)
    if ((a | b | c | d) > 0x7f) return murmur3Utf8(text, seed)
    hash = mix(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  let tail = 0
  for (let shift = 0; at < length; at += 1, shift += 8) {
    const unit = text.charCodeAt(at)
    if (unit > 0x7f) return murmur3Utf8(text, seed)
    tail |= unit << shift
  }
  return finish(hash, tail, length)
}

/** The same for any text: encodes code points to UTF-8 on the way. */
function murmur3Utf8(text: string, seed: number): number {
  let hash = seed | 0
  let block = 0
  let bytes = 0
  const push = (byte: number): void => {
    block |= byte << ((bytes & 3) << 3)
    bytes += 1
    if ((bytes & 3) === 0) {
      hash = mix(hash, block)
      block = 0
    }
  }
  for (const character of text.toWellFormed()) {
    const point = character.codePointAt(0)!
    const more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
    push(more === 0 ? point : ((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more)))
    for (let left = more - 1; left >= 0; left -= 1) push(0x80 | ((point >> (6 * left)) & 0x3f))
  }
  return finish(hash, block, bytes)
}

function mix(hash: number, block: number): number {
  const mixed = hash ^ scramble(block)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

function scramble(block: number): number {
  const product = Math.imul(block, C1)
  return Math.imul((product << 15) | (product >>> 17), C2)
}

const finish = (hash: number, tail: number, bytes: number): number => fmix32(hash ^ scramble(tail) ^ bytes)

/** MurmurHash3's finaliser: a bijection of 32-bit integers in which every input bit moves every output bit. Unsigned result. */
export function fmix32(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
