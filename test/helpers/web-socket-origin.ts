/** An origin whose WebSockets and event streams a test holds in its hands, byte for byte. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { CLOSE, handshake, PING, readFrame, writeFrame } from '../../local/web-socket-frames.ts'

const TEXT = 0x1
const BINARY = 0x2

/** One connection as the origin sees it. */
export class OriginSocket {
  readonly request: IncomingMessage
  readonly socket: Duplex
  /** Texts as they are, bytes as `bytes:1,2,3`, closes as `close:1000 reason`, and `gone` at last. */
  readonly seen: string[] = []
  #rest: Buffer = Buffer.alloc(0)

  constructor(request: IncomingMessage, socket: Duplex) {
    this.request = request
    this.socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.seen.push('gone'))
  }

  send(message: string | Uint8Array): void {
    const [opcode, payload] =
      typeof message === 'string' ? [TEXT, Buffer.from(message)] : [BINARY, Buffer.from(message)]
    this.socket.write(writeFrame(0x80 | opcode, payload))
  }

  close(code: number | null, reason = ''): void {
    const status = code === null ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 0xff])
    this.socket.write(writeFrame(0x80 | CLOSE, Buffer.concat([status, Buffer.from(reason)])))
  }

  /** Breaks the connection off without a word. */
  breakOff(): void {
    this.socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let frame = readFrame(this.#rest); frame !== null; frame = readFrame(this.#rest)) {
      if (frame === 'too-large') return this.breakOff()
      this.#rest = this.#rest.subarray(frame.length)
      const opcode = frame.first & 0x0f
      const { payload } = frame
      if (opcode === TEXT) this.seen.push(payload.toString())
      if (opcode === BINARY) this.seen.push(`bytes:${[...payload].join()}`)
      if (opcode === PING) this.seen.push('ping')
      if (opcode === CLOSE) {
        const code = payload.length >= 2 ? payload.readUInt16BE(0) : 'none'
        this.seen.push(`close:${code} ${payload.subarray(2)}`.trim())
        this.socket.end(writeFrame(frame.first, payload))
      }
    }
  }
}

export interface SocketOrigin {
  readonly url: string
  readonly sockets: OriginSocket[]
  /** Event streams that are open, oldest first. */
  readonly streams: ServerResponse[]
  stop(): void
}

/** Takes every upgrade, with the first sub-protocol that is asked for, and every other request as an event stream. */
export async function startSocketOrigin(): Promise<SocketOrigin> {
  const sockets: OriginSocket[] = []
  const streams: ServerResponse[] = []
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: hello\n\n')
    streams.push(response)
  })
  server.on('upgrade', (request, socket) => {
    const [protocol] = (request.headers['sec-websocket-protocol'] ?? '').split(',')
    const lines = protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []
    socket.write(handshake(String(request.headers['sec-websocket-key']), lines))
    sockets.push(new OriginSocket(request, socket))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    streams,
    stop() {
      for (const { socket } of sockets) socket.destroy()
      server.closeAllConnections()
      server.close()
    },
  }
}
