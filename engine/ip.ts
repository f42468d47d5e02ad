/** IP addresses and CIDR blocks, version 4 and 6. Pure. Source: RFC 4291, RFC 4632. */

/** An address as 16-bit words: two for IPv4, eight for IPv6. IPv4-mapped IPv6 (`::ffff:a.b.c.d`) is read as IPv4. */
export type Address = readonly number[]

export interface Cidr {
  readonly address: Address
  readonly bits: number
}

const BYTE = /^(0|[1-9]\d{0,2})$/

export function parseAddress(text: string): Address | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Address | null {
  const bytes = text.split('.')
  if (bytes.length !== 4 || bytes.some((byte) => !BYTE.test(byte) || Number(byte) > 255)) return null
  const [a, b, c, d] = bytes.map(Number) as [number, number, number, number]
  return [(a << 8) | b, (c << 8) | d]
}

function parseIpv6(text: string): Address | null {
  if (text.length > 45) return null
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = words(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? words(halves[1]!, true) : []
  if (!head || !tail) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return all.slice(0, 6).join() === '0,0,0,0,0,65535' ? all.slice(6) : all
}

/** Colon-separated hexadecimal words; the last may be a dotted IPv4 address if it ends the text. */
function words(text: string, last: boolean): number[] | null {
  if (text === '') return []
  const result: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) result.push(Number.parseInt(part, 16))
    else {
      const ipv4 = last && at === parts.length - 1 ? parseIpv4(part) : null
      if (!ipv4) return null
      result.push(...ipv4)
    }
  }
  return result
}

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address; of a text for which `isCidr` holds. */
export function parseCidr(text: string): Cidr {
  const [host, prefix = 128] = text.split('/') as [string, string?]
  const address = parseAddress(host)!
  const width = address.length * 16
  // A mapped block is written with the IPv6 length: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const mapped = width === 32 && host.includes(':') ? 96 : 0
  return { address, bits: Math.min(width, Number(prefix) - mapped) }
}

/** Whether a block holds an address; versions never mix. */
export function inCidr(address: Address, block: Cidr): boolean {
  if (address.length !== block.address.length) return false
  for (let at = 0, left = block.bits; left > 0; at += 1, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff
    if (((address[at]! ^ block.address[at]!) & mask) !== 0) return false
  }
  return true
}
