/** An edge as a local client meets it, `/.turnout/snapshot` and `/.turnout/stream`, played by a function; and clients of it. */
import { onTestFinished } from 'vitest'
import {
  compile,
  type Delivery,
  encodeDelivery,
  type FlagDocument,
  type Kill,
  type KillList,
  NO_KILLS,
  type Snapshot,
  stateOf,
} from '../../engine/index.ts'
import { createClient, type LocalClient, type ProcessOptions } from '../../sdk/index.ts'

export interface Asked {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** An open stream. */
export interface OpenStream {
  readonly headers: Readonly<Record<string, string>>
  say(text: string): void
  /** An event that names a state. */
  tell(state: string): void
  end(): void
  breakOff(): void
  isOpen(): boolean
}

export function snapshotOf(
  document: FlagDocument,
  version = 1,
  { epoch = 7, environment = 'prod' } = {},
): Snapshot {
  const compiled = compile(document, { environment, epoch, version })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value.snapshot
}

export class FakeEdge {
  delivery: Delivery
  readonly asked: Asked[] = []
  readonly streams: OpenStream[] = []
  /** In place of the usual answers. */
  answer: ((path: string) => Response | Promise<Response> | undefined) | undefined

  constructor(document: FlagDocument) {
    this.delivery = { snapshot: snapshotOf(document), kills: NO_KILLS }
  }

  get state(): string {
    return stateOf(this.delivery)
  }

  get snapshots(): Asked[] {
    return this.asked.filter(({ path }) => path === 'snapshot')
  }

  publish(document: FlagDocument): void {
    this.delivery = { ...this.delivery, snapshot: snapshotOf(document, this.delivery.snapshot.version + 1) }
  }

  kill(...kills: Kill[]): KillList {
    const list = { epoch: 7, version: this.delivery.kills.version + 1, kills }
    this.delivery = { ...this.delivery, kills: list }
    return list
  }

  readonly fetch = (async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    const { pathname, host } = new URL(String(url))
    if (host !== 'edge.example.com') throw new Error(`nobody is at ${host}`)
    const path = pathname.replace('/.turnout/', '')
    const headers = init.headers as Record<string, string>
    this.asked.push({ path, headers })
    const aborted = new Promise<never>((_, fail) => {
      if (init.signal?.aborted) fail(init.signal.reason)
      init.signal?.addEventListener('abort', () => fail(init.signal?.reason))
    })
    aborted.catch(() => {})
    return Promise.race([this.answer?.(path) ?? this.#usual(path, headers, init.signal!), aborted])
  }) as typeof fetch

  #usual(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Response {
    if (path === 'stream') return this.#stream(headers, signal)
    const etag = `"${this.state}"`
    if (headers['if-none-match'] === etag) return new Response(null, { status: 304, headers: { etag } })
    return new Response(encodeDelivery(this.delivery), { headers: { etag } })
  }

  #stream(headers: Readonly<Record<string, string>>, signal: AbortSignal): Response {
    let isOpen = true
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const over = (work: () => void) => () => {
          if (isOpen) work()
          isOpen = false
        }
        signal.addEventListener(
          'abort',
          over(() => controller.error(signal.reason)),
        )
        const stream: OpenStream = {
          headers,
          say: (text) => controller.enqueue(encoder.encode(text)),
          tell: (state) => stream.say(`id: ${state}\ndata: {"type":"refetchEvaluation"}\n\n`),
          end: over(() => controller.close()),
          breakOff: over(() => controller.error(new TypeError('terminated'))),
          isOpen: () => isOpen,
        }
        this.streams.push(stream)
        stream.say('retry: 2000\n:\n\n')
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
}

/** What every client of it is told. */
export const clientOf = ({ fetch }: FakeEdge) => ({
  url: 'https://edge.example.com',
  key: 'tk_server_x',
  fetch,
})

/** It neither listens nor looks again by itself. */
export const QUIET = { stream: false, pollMs: 1e9 } as const

/** A client that ends with its test. */
export function startClient(edge: FakeEdge, options: Partial<ProcessOptions> = {}): LocalClient {
  const client = createClient({ ...clientOf(edge), ...options })
  onTestFinished(() => client.close())
  return client
}
