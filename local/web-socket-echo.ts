/**
 * A WebSocket peer that sends every message back, for the demo origins: RFC 6455 as far as an echo needs it. Frames go
 * back one by one, so that a message in several fragments stays one in several fragments.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { CLOSE, handshake, PING, PONG, readFrame, writeFrame } from './web-socket-frames.ts'

/** Answers the upgrade and echoes until the peer closes. */
export function echoWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const key = request.headers['sec-websocket-key']
  if (request.headers.upgrade?.toLowerCase() !== 'websocket' || key === undefined) {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    return
  }
  socket.write(handshake(key))
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
