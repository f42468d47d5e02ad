/**
 * An origin that fails as it is told to, over real sockets, and remembers what it received. Which fault a request meets is
 * said by the request itself, in the header `x-fault-NAME` of the origin's name.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const PIECE = Buffer.alloc(65_536, 'x')

/** Each by what it does to one request. All read the whole request first, but `reset` and `garbage`. */
export const FAULTS = {
  /** Breaks the connection off without a word. */
  reset: (request) => request.socket.resetAndDestroy(),
  /** Ends the connection without a word. */
  close: (request) => request.socket.end(),
  /** Writes what is no HTTP. */
  garbage: (request) => request.socket.end('\x00\x01 this is no HTTP\r\n\r\n'),
  /** Sends headers and a piece of the body, then breaks off. */
  'reset-after-headers': async (request, response) => {
    response.writeHead(200, { 'content-length': '1000' }).flushHeaders()
    response.write('a piece')
    await new Promise((done) => setTimeout(done, 5))
    request.socket.resetAndDestroy()
  },
  /** Never answers. */
  hang: () => {},
  /** Sends its body a byte at a time. */
  drip: async (_, response) => {
    response.writeHead(200)
    for (const byte of 'drip') {
      response.write(byte)
      await new Promise((done) => setTimeout(done, 5))
    }
    response.end()
  },
  'not-processed': (_, response) => void response.writeHead(503, { 'x-not-processed': '1' }).end(),
  421: (_, response) => void response.writeHead(421).end(),
  425: (_, response) => void response.writeHead(425).end(),
  500: (_, response) => void response.writeHead(500).end('500'),
  502: (_, response) => void response.writeHead(502).end('502'),
  503: (_, response) => void response.writeHead(503).end('503'),
  504: (_, response) => void response.writeHead(504).end('504'),
} satisfies Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>
export type Fault = keyof typeof FAULTS

/** Also without an end, for those who read what they need. */
const ALL = {
  ...FAULTS,
  /** Sends its body for as long as anybody takes it. */
  endless: (_, response) => {
    response.writeHead(200)
    const write = (): void => {
      while (!response.destroyed && response.write(PIECE));
      if (!response.destroyed) response.once('drain', write)
    }
    write()
  },
} satisfies Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>
export type AnyFault = keyof typeof ALL

export interface Received {
  readonly origin: string
  readonly id: string
  readonly method: string
  readonly body: string
}

export interface FaultOrigin {
  readonly url: string
  /** Everything that reached it, in order; a request that it broke off before its body came has none. */
  readonly received: Received[]
  /** Status of the answers to health checks (`/health/…`), which do not count as received. */
  health: number
  /** How many there were of each. */
  readonly checks: Map<number, number>
  close(): Promise<void>
}

/** On a free port of 127.0.0.1. Requests are told apart by their header `x-id`. */
export async function startFaultOrigin(name: string): Promise<FaultOrigin> {
  const received: Received[] = []
  const server = createServer({ keepAliveTimeout: 30_000 }, async (request, response) => {
    const fault = request.headers[`x-fault-${name}`] as AnyFault | undefined
    if (request.url!.startsWith('/health/')) {
      origin.checks.set(origin.health, (origin.checks.get(origin.health) ?? 0) + 1)
      return void response.writeHead(origin.health).end()
    }
    const arrived = { origin: name, id: String(request.headers['x-id']), method: request.method!, body: '' }
    received.push(arrived)
    request.on('error', () => {})
    if (fault === 'reset' || fault === 'garbage') return void FAULTS[fault](request)
    const parts: Buffer[] = []
    try {
      for await (const part of request) parts.push(part as Buffer)
    } catch {
      return // the edge has gone away
    }
    arrived.body = Buffer.concat(parts).toString()
    if (fault === undefined) response.end(name)
    else await ALL[fault](request, response)
  })
  server.requestTimeout = 0
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin: FaultOrigin = {
    health: 200,
    checks: new Map(),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
  return origin
}
