/**
 * Steady traffic on many edges: each is asked the same flag at its own even pace over one kept-alive connection, the paces
 * shifted against each other. An edge that has not answered yet is not asked again. Every answer is noted by when it came.
 */
import { Agent, request } from 'node:http'

export const FLAG = 'percentage-00000'
const BODY = JSON.stringify({ context: { targetingKey: 'user-1' } })

export interface Answer {
  readonly value: boolean
  /** By the clock of `performance.now()`, ms. */
  readonly atMs: number
  /** Since it was asked. */
  readonly tookMs: number
}

/** One question. `location`: where the edge shall think that it is. Throws unless it is answered. */
export function ask(agent: Agent, port: number, location: string): Promise<Answer> {
  const askedMs = performance.now()
  return new Promise((done, fail) => {
    const sent = request({
      agent,
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: `/.turnout/ofrep/v1/evaluate/flags/${FLAG}`,
      headers: {
        'content-type': 'application/json',
        'content-length': BODY.length,
        'cf-blob': JSON.stringify({ colo: location }),
      },
    })
    sent.on('error', fail)
    sent.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', fail)
      response.on('end', () => {
        const value = /"value":(true|false)/.exec(text)?.[1]
        if (value === undefined) fail(new Error(`[bench] an edge answered ${response.statusCode}: ${text}`))
        else {
          const atMs = performance.now()
          done({ value: value === 'true', atMs, tookMs: atMs - askedMs })
        }
      })
    })
    sent.end(BODY)
  })
}

export class Traffic {
  readonly #agents: readonly Agent[]
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #ports: readonly number[]
  readonly #perSecond: number
  readonly #waiting = new Set<number>()
  #answers: Answer[][]
  #failure: unknown = null

  constructor(ports: readonly number[], perSecond: number) {
    this.#ports = ports
    this.#perSecond = perSecond
    this.#agents = ports.map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
    this.#answers = ports.map(() => [])
    const everyMs = 1_000 / perSecond
    for (const edge of ports.keys()) this.#next(edge, performance.now() + (everyMs * edge) / ports.length)
  }

  get edges(): number {
    return this.#ports.length
  }

  get title(): string {
    return `${this.edges} edges, ${this.#perSecond} requests/s each`
  }

  /** The answers of each edge since this was last asked. Throws what a request failed with. */
  take(): Answer[][] {
    if (this.#failure !== null) throw this.#failure
    const answers = this.#answers
    this.#answers = this.#ports.map(() => [])
    return answers
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const agent of this.#agents) agent.destroy()
    this.#failure = new Error('[bench] the traffic has ended')
  }

  #next(edge: number, atMs: number): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        this.#next(edge, Math.max(atMs + 1_000 / this.#perSecond, performance.now()))
        if (!this.#waiting.has(edge)) void this.#ask(edge)
      },
      Math.max(0, atMs - performance.now()),
    )
    this.#timers.add(timer)
  }

  async #ask(edge: number): Promise<void> {
    this.#waiting.add(edge)
    try {
      const answer = await ask(this.#agents[edge]!, this.#ports[edge]!, locationOf(edge))
      this.#answers[edge]!.push(answer)
    } catch (failure) {
      this.#failure ??= failure
    } finally {
      this.#waiting.delete(edge)
    }
  }
}

/** Eight locations, in turn. */
const locationOf = (edge: number): string => `L${edge % 8}`
