/** Frames of a WebSocket on the server's side, as far as an echo needs them. Source: RFC 6455. */
import { createHash } from 'node:crypto'

/** Largest frame, in bytes; a larger one ends the connection with code 1009. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** https://datatracker.ietf.org/doc/html/rfc6455#section-1.3 */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export const CLOSE = 0x8
export const PING = 0x9
export const PONG = 0xa

/** The answer to an upgrade with that key; `lines`: more header lines. */
export function handshake(key: string, lines: readonly string[] = []): string {
  const accept = createHash('sha1')
    .update(key + ACCEPT_SUFFIX)
    .digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return `${[...head, `Sec-WebSocket-Accept: ${accept}`, ...lines].join('\r\n')}\r\n\r\n`
}

/** FIN bit and opcode, the unmasked payload, and the frame's whole length. */
export interface Frame {
  readonly first: number
  readonly payload: Buffer
  readonly length: number
}

/** The first frame in `bytes`; `null` while it is incomplete. */
export function readFrame(bytes: Buffer): Frame | 'too-large' | null {
  if (bytes.length < 2) return null
  const short = bytes[1]! & 0x7f
  const sizeBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  if (bytes.length < 2 + sizeBytes) return null
  const size =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  if (size > MAX_FRAME_BYTES) return 'too-large'
  const masked = (bytes[1]! & 0x80) !== 0
  const start = 2 + sizeBytes + (masked ? 4 : 0)
  if (bytes.length < start + size) return null
  const payload = Buffer.from(bytes.subarray(start, start + size))
  if (masked) for (let i = 0; i < size; i++) payload[i]! ^= bytes[start - 4 + (i & 3)]!
  return { first: bytes[0]!, payload, length: start + size }
}

/** A frame as servers send it: not masked. */
export function writeFrame(first: number, payload: Buffer): Buffer {
  const size = payload.length
  const header = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10)
  header[0] = first
  header[1] = size < 126 ? size : size < 65_536 ? 126 : 127
  if (header.length === 4) header.writeUInt16BE(size, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(size), 2)
  return Buffer.concat([header, payload])
}
