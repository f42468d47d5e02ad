/**
 * `GET /.turnout/stream`: tells browsers and servers that what decides flags has changed, as server-sent events. An event says
 * no more than "ask again", so nothing of a rule leaves the edge. Each stream looks at the isolate's memory by its own timer:
 * no promise crosses requests. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { StreamTokens } from './stream-token.ts'

/** How often a stream looks: what a change takes at most from the isolate's memory to the wire. */
const LOOK_MS = 250
/** So that nobody on the way takes a silent stream for a dead one. */
const HEARTBEAT_MS = 15_000
/** A stream lives for four to five minutes, so that streams of one moment do not all come back at another. */
const MIN_LIFE_MS = 240_000
const MAX_LIFE_MS = 300_000
/** When a client comes back, likewise. */
const MIN_RETRY_MS = 1_000
const MAX_RETRY_MS = 4_000

/** What one stream has told, and when it is over. Pure; time and chance are passed in. */
export class Telling {
  readonly #endMs: number
  readonly #retryMs: number
  #told: string | null
  #saidAtMs = Number.NEGATIVE_INFINITY

  /** `told`: the state that the client knows of; `null`: none, so that the first event comes at once. */
  constructor(told: string | null, nowMs: number, random: number) {
    this.#told = told
    this.#endMs = nowMs + MIN_LIFE_MS + (MAX_LIFE_MS - MIN_LIFE_MS) * random
    this.#retryMs = Math.round(MIN_RETRY_MS + (MAX_RETRY_MS - MIN_RETRY_MS) * random)
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#endMs
  }

  /** Whether the client has not heard of this state. */
  isNews(state: string): boolean {
    return state !== this.#told
  }

  /** What to write now; `''`: nothing. */
  text(state: string, nowMs: number): string {
    const first = this.#saidAtMs === Number.NEGATIVE_INFINITY
    const news = this.isNews(state)
    if (!first && !news && nowMs - this.#saidAtMs < HEARTBEAT_MS) return ''
    this.#saidAtMs = nowMs
    this.#told = state
    return (first ? `retry: ${this.#retryMs}\n` : '') + (news ? event(state) : ':\n\n')
  }
}

/** OFREP's event; its `etag` comes back as `flagConfigEtag`, so that no cache on the way answers from before. */
const event = (state: string): string =>
  `id: ${state}\ndata: ${JSON.stringify({ type: 'refetchEvaluation', etag: `"${state}"` })}\n\n`

export interface StreamSource {
  /** Names what answers are decided by now; `null`: nothing is loaded. Never waits. */
  state(): string | null
  /** Whether the client may still listen; asked before each event. */
  mayListen(): Promise<boolean>
  now(): number
  wait(ms: number): Promise<unknown>
  random(): number
}

/** What a client names as its latest event: the header wherever a browser comes back by itself, else the URL. */
export const lastEventId = (header: string | null, query: string | null): string | null =>
  header || query || null

export function stream(told: string | null, source: StreamSource): Response {
  const encoder = new TextEncoder()
  const telling = new Telling(told, source.now(), source.random())
  let gone = false
  let looked = false
  // Called whenever the client can take more: a slow one gets the latest state, never a queue of old ones.
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    while (!gone) {
      if (looked) await source.wait(LOOK_MS)
      looked = true
      const state = source.state()
      if (gone || state === null) continue
      if (telling.isOver(source.now()) || (telling.isNews(state) && !(await source.mayListen())))
        return controller.close()
      const text = telling.text(state, source.now())
      if (text !== '') return controller.enqueue(encoder.encode(text))
    }
  }
  const cancel = () => {
    gone = true
  }
  return new Response(new ReadableStream({ pull, cancel }, { highWaterMark: 0 }), {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
      // nginx in front would keep events back otherwise.
      'x-accel-buffering': 'no',
    },
  })
}

/** The stream's address for an answer to this caller: a client key is public, a server key is replaced by a token. */
export async function streamUrl(
  origin: string,
  caller: 'open' | 'client' | 'server',
  key: string | null,
  tokens: StreamTokens,
  nowMs: number,
): Promise<string> {
  const url = `${origin}/.turnout/stream`
  if (caller === 'client') return `${url}?key=${encodeURIComponent(key!)}`
  return caller === 'server' ? `${url}?token=${await tokens.mint(nowMs)}` : url
}
