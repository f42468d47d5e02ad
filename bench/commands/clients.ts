/**
 * Clients of an HTTP API that wait: each holds one kept-alive connection and sends its next request when the answer to the
 * last is there. Reads no more of an answer than its status and where it ends, so that the clients are not what is measured.
 */
import { connect, type Socket } from 'node:net'

export interface Request {
  readonly method: string
  readonly path: string
  readonly token: string
  readonly body?: string
}

export interface Load {
  readonly requests: number
  readonly perSecond: number
  readonly meanMs: number
  readonly p95Ms: number
}

/** `count` clients for so long; `next` says what each sends. Throws if an answer is not 2xx. */
export async function load(port: number, count: number, seconds: number, next: () => Request): Promise<Load> {
  const times: number[] = []
  const started = performance.now()
  const endsAt = started + seconds * 1_000
  const clients = Array.from({ length: count }, () => new Client(port))
  try {
    await Promise.all(
      clients.map(async (client) => {
        for (let now = performance.now(); now < endsAt; ) {
          await client.send(next())
          const after = performance.now()
          times.push(after - now)
          now = after
        }
      }),
    )
  } finally {
    for (const client of clients) client.close()
  }
  const elapsedMs = performance.now() - started
  times.sort((a, b) => a - b)
  return {
    requests: times.length,
    perSecond: (times.length * 1_000) / elapsedMs,
    meanMs: times.reduce((sum, time) => sum + time, 0) / times.length,
    p95Ms: times[Math.floor(times.length * 0.95)]!,
  }
}

const HEAD_END = Buffer.from('\r\n\r\n')
const CHUNKS_END = Buffer.from('0\r\n\r\n')

class Client {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #waiting: PromiseWithResolvers<void> | null = null
  #request: Request | null = null

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (part) => this.#read(part))
    this.#socket.on('error', (error) => this.#waiting?.reject(error))
    this.#socket.on('close', () => this.#waiting?.reject(new Error('[bench] the connection was closed')))
  }

  /** Resolves when the whole answer is there. */
  send(request: Request): Promise<void> {
    const { method, path, token, body } = request
    this.#request = request
    this.#waiting = Promise.withResolvers()
    const content =
      body === undefined
        ? ''
        : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
    this.#socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n${content}\r\n${body ?? ''}`,
    )
    return this.#waiting.promise
  }

  close(): void {
    this.#waiting = null
    this.#socket.destroy()
  }

  #read(part: Buffer): void {
    this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part])
    const headEnd = this.#received.indexOf(HEAD_END)
    if (headEnd < 0) return
    const head = this.#received.toString('latin1', 0, headEnd)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    const isWhole =
      length === undefined
        ? this.#received.subarray(-CHUNKS_END.length).equals(CHUNKS_END)
        : this.#received.length >= headEnd + HEAD_END.length + Number(length)
    if (!isWhole) return
    const answer = this.#received
    this.#received = Buffer.alloc(0)
    if (head.startsWith('HTTP/1.1 2')) this.#waiting?.resolve()
    else {
      const { method, path } = this.#request!
      this.#waiting?.reject(new Error(`[bench] ${method} ${path} was answered:\n${answer.toString()}`))
    }
  }
}
