/**
 * The two demo origins, `stable` and `canary`: small HTTP servers on the loopback address that say on every page which
 * one answered and what the edge told it, and that can stream, echo, be slow and fail for those who want to try that.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { originPage } from './origin-page.ts'
import { echoWebSocket } from './web-socket-echo.ts'

export type Side = 'stable' | 'canary'

export interface DemoOrigin {
  readonly url: string
  readonly port: number
  /** Ends every connection. */
  stop(): Promise<void>
}

/** Longest `/slow`, in milliseconds. */
const MAX_SLOW_MS = 600_000
/** Shortest and usual time between events, in milliseconds. */
const MIN_EVENT_MS = 10
const EVENT_MS = 1_000

/** Listens on the first of `ports` that is free, else on any free one. */
export async function startOrigin(side: Side, ports: readonly number[]): Promise<DemoOrigin> {
  const server = createServer((request, response) => answer(side, request, response))
  server.on('upgrade', echoWebSocket)
  // An upgraded connection is no longer the server's to close.
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  for (const port of [...ports, 0]) if (await listens(server, port)) break
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, stop: () => stop(server, sockets) }
}

/** Whether the port was free and is ours now. */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((done, fail) => {
    const refused = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') done(false)
      else fail(error)
    }
    server.once('error', refused)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', refused)
      done(true)
    })
  })
}

function stop(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((done) => {
    server.close(() => done())
    for (const socket of sockets) socket.destroy()
  })
}

/** `/name` or `/anything/name`: the demo answers alike below every route's prefix. */
const PATHS: Record<
  string,
  (side: Side, request: IncomingMessage, response: ServerResponse, url: URL) => void
> = {
  echo: (_side, request, response) => {
    const type = request.headers['content-type'] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' })
    request.pipe(response)
  },
  events: (side, _request, response, url) => {
    const everyMs = Math.max(MIN_EVENT_MS, numberOf(url, 'every', EVENT_MS))
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    let n = 0
    const send = () => {
      n += 1
      response.write(`id: ${n}\ndata: ${JSON.stringify({ origin: side, n })}\n\n`)
      if (n >= numberOf(url, 'count', Number.POSITIVE_INFINITY)) response.end()
    }
    const timer = setInterval(send, everyMs)
    response.on('close', () => clearInterval(timer))
    send()
  },
  slow: (side, request, response, url) => {
    const ms = Math.min(MAX_SLOW_MS, numberOf(url, 'ms', EVENT_MS))
    const timer = setTimeout(() => json(response, 200, describe(side, request)), ms)
    response.on('close', () => clearTimeout(timer))
  },
}

function answer(side: Side, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://origin')
  const segments = url.pathname.split('/')
  const status = /\/status\/([2-5]\d\d)$/.exec(url.pathname)?.[1]
  response.setHeader('x-demo-origin', side)
  if (status !== undefined) return failWith(side, response, Number(status))
  const path = PATHS[segments.at(-1) ?? '']
  if (path !== undefined) return path(side, request, response, url)
  if (segments.includes('api')) return json(response, 200, describe(side, request))
  const html = originPage(side, request.method ?? 'GET', request.url ?? '/', turnoutHeaders(request))
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(request.method === 'HEAD' ? undefined : html)
}

function failWith(side: Side, response: ServerResponse, status: number): void {
  if (status === 204 || status === 304) response.writeHead(status).end()
  else json(response, status, { origin: side, status, title: STATUS_CODES[status] ?? 'Unknown' })
}

const describe = (side: Side, request: IncomingMessage) => ({
  origin: side,
  method: request.method,
  path: request.url,
  headers: request.headers,
})

/** What the edge told this origin about the decision. */
const turnoutHeaders = (request: IncomingMessage): [string, string][] =>
  Object.entries(request.headers)
    .filter(([name]) => name.startsWith('x-turnout-'))
    .map(([name, value]) => [name, String(value)])

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body, null, 2)}\n`)
}

/** A query parameter; what is not a number ≥ 0 counts as absent. */
function numberOf(url: URL, name: string, standard: number): number {
  const value = Number(url.searchParams.get(name) ?? Number.NaN)
  return value >= 0 ? value : standard
}
