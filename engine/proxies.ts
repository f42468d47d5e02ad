/**
 * Where a request comes from, as seen behind reverse proxies of one's own: the address of the connection is known, and the
 * header X-Forwarded-For is believed as far as trusted proxies wrote it. Pure. Source: docs/security.md, "Behind your own proxy".
 */
import { isCidr } from './cidr.ts'
import { type Address, type Cidr, inCidr, parseAddress, parseCidr } from './ip.ts'
import { err, ok, type Result } from './result.ts'

/** The proxies whose headers are believed. */
export interface Proxies {
  readonly blocks: readonly Cidr[]
  /** A connection over a Unix socket: only who may open its file reaches it. */
  readonly unix: boolean
}

/** What the runtime says about the connection, in `request.cf`; a client cannot write it. */
export interface Peer {
  /** `192.0.2.1:51788` or `[2001:db8::1]:51788`. */
  readonly clientIp?: unknown
  /** A process of this machine, over a Unix socket. */
  readonly clientUid?: unknown
}

export interface Client {
  /** `null`: it is not known. */
  readonly address: string | null
  /** The connection comes from a trusted proxy, so that its other headers are believed too. */
  readonly isProxied: boolean
}

/** `none`, or addresses and CIDR blocks and `unix`, separated by commas. */
export function parseProxies(text: string): Result<Proxies, string> {
  const entries = text.trim() === 'none' ? [] : text.split(',').map((entry) => entry.trim())
  const wrong = entries.find((entry) => entry !== 'unix' && !isCidr(entry))
  if (wrong !== undefined)
    return err(
      `must be none, or addresses, CIDR blocks and unix separated by commas, got ${JSON.stringify(wrong)}`,
    )
  const blocks = entries.filter((entry) => entry !== 'unix').map(parseCidr)
  return ok({ blocks, unix: entries.includes('unix') })
}

/** `forwardedFor`: the header X-Forwarded-For, to which each proxy adds at the right whom it talked to. */
export function clientBehind(proxies: Proxies, peer: Peer, forwardedFor: string | null): Client {
  const connected = typeof peer.clientIp === 'string' ? host(peer.clientIp) : null
  const isProxied =
    connected === null ? proxies.unix && peer.clientUid !== undefined : isTrusted(proxies, connected)
  let client = connected
  if (isProxied)
    for (const entry of (forwardedFor ?? '').split(',').reverse()) {
      const forwarded = host(entry.trim())
      // What is left of a text that is no address was written by nobody who is trusted.
      if (forwarded === null) break
      client = forwarded
      if (!isTrusted(proxies, forwarded)) break
    }
  return { address: client?.text ?? null, isProxied }
}

interface Host {
  readonly address: Address
  readonly text: string
}

const isTrusted = ({ blocks }: Proxies, { address }: Host): boolean =>
  blocks.some((block) => inCidr(address, block))

/** An address that may have a port, and brackets if it is of version 6; IPv4-mapped ones are IPv4. */
function host(text: string): Host | null {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  const address = parseAddress(bare)
  if (address === null) return null
  return { address, text: address.length === 2 ? dotted(address) : bare.toLowerCase() }
}

const dotted = (words: Address): string => words.flatMap((word) => [word >> 8, word & 0xff]).join('.')
