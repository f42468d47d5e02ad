/**
 * A WebSocket peer that sends every message back, for the demo origins: RFC 6455 as far as an echo needs it. Frames go
 * back one by one, so that a message in several fragments stays one in several fragments.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

/** Largest frame, in bytes; a larger one ends the connection with code 1009. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024
/** https://datatracker.ietf.org/doc/html/rfc6455#section-1.3 */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa

/** Answers the upgrade and echoes until the peer closes. */
export function echoWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const key = request.headers['sec-websocket-key']
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined) {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    return
  }
  const accept = createHash('sha1')
    .update(key + ACCEPT_SUFFIX)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  let rest: Buffer = Buffer.alloc(0)
  const receive = (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk])
    for (let frame = readFrame(rest); frame !== null; frame = readFrame(rest)) {
      if (frame === 'too-large') {
        socket.end(writeFrame(0x80 | CLOSE, Buffer.from([1009 >> 8, 1009 & 0xff])))
        return
      }
      rest = rest.subarray(frame.length)
      const opcode = frame.first & 0x0f
      if (opcode === PONG) continue
      if (opcode === CLOSE) {
        socket.end(writeFrame(frame.first, frame.payload))
        return
      }
      socket.write(writeFrame(opcode === PING ? 0x80 | PONG : frame.first, frame.payload))
    }
  }
  socket.on('data', receive)
  socket.on('end', () => socket.end()) // left without a closing frame
  socket.on('error', () => socket.destroy()) // the peer is gone: nobody is left to tell
  receive(head)
}

/** FIN bit and opcode, the unmasked payload, and the frame's whole length. */
interface Frame {
  readonly first: number
  readonly payload: Buffer
  readonly length: number
}

/** The first frame in `bytes`; `null` while it is incomplete. */
function readFrame(bytes: Buffer): Frame | 'too-large' | null {
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
function writeFrame(first: number, payload: Buffer): Buffer {
  const size = payload.length
  const header = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10)
  header[0] = first
  header[1] = size < 126 ? size : size < 65_536 ? 126 : 127
  if (header.length === 4) header.writeUInt16BE(size, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(size), 2)
  return Buffer.concat([header, payload])
}
