/** IP addresses and CIDR blocks, version 4 and 6. Pure. Source: RFC 4291, RFC 4632. */

/** An address as 16-bit words: two for IPv4, eight for IPv6. IPv4-mapped IPv6 (`::ffff:a.b.c.d`) is read as IPv4. */
export type Address = readonly number[]

export interface Cidr {
  readonly address: Address
  readonly bits: number
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

export function parseAddress(text: string): Address | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Address | null {
  const parts = IPV4.exec(text)
  if (!parts) return null
  const bytes = parts.slice(1).map(Number)
  if (bytes.some((byte, at) => byte > 255 || String(byte) !== parts[at + 1])) return null
  return [(bytes[0]! << 8) | bytes[1]!, (bytes[2]! << 8) | bytes[3]!]
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
  const mapped = all[5] === 0xffff && all.slice(0, 5).every((word) => word === 0)
  return mapped ? all.slice(6) : all
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

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address. */
export function parseCidr(text: string): Cidr | null {
  const [host = '', prefix, rest] = text.split('/')
  const address = parseAddress(host)
  if (!address || rest !== undefined) return null
  const width = address.length * 16
  if (prefix === undefined) return { address, bits: width }
  if (!/^\d{1,3}$/.test(prefix)) return null
  // A mapped block is written with the IPv6 length: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const bits = host.includes(':') && width === 32 ? Number(prefix) - 96 : Number(prefix)
  return bits < 0 || bits > width ? null : { address, bits }
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
