/**
 * Even traffic of many visitors on several proxies at once: each is asked the same, at the same moments, whether or not it has
 * answered what came before. Every request is noted by when it began.
 */
import { Agent, request } from 'node:http'

export interface Asked {
  readonly proxy: string
  readonly method: 'GET' | 'POST'
  /** By the clock of `performance.now()`, ms. */
  readonly atMs: number
  readonly tookMs: number
  /** `null`: no answer. */
  readonly status: number | null
}

export interface Target {
  readonly proxy: string
  readonly port: number
  readonly path: string
}

export interface Pace {
  readonly perSecond: number
  readonly visitors: number
  readonly visitorHeader: string
  /** One request in so many is a POST. */
  readonly postEvery: number
}

/** Longer than any proxy should take. */
const PATIENCE_MS = 10_000

const agent = new Agent({ keepAlive: true })

/** What became of every request that began within so many seconds. */
export async function traffic(targets: readonly Target[], pace: Pace, seconds: number): Promise<Asked[]> {
  const { perSecond, visitors, visitorHeader, postEvery } = pace
  const asked: Promise<Asked>[] = []
  const startedMs = performance.now()
  for (let n = 0; n < perSecond * seconds; n += 1) {
    const waitMs = startedMs + (1_000 * n) / perSecond - performance.now()
    if (waitMs > 0) await new Promise((done) => setTimeout(done, waitMs))
    // Another visitor each time, and not the same ones for the POSTs.
    const headers = { [visitorHeader]: `visitor-${(n * 7919) % visitors}` }
    const method = n % postEvery === 0 ? 'POST' : 'GET'
    for (const target of targets) asked.push(ask(target, method, headers))
  }
  return Promise.all(asked)
}

function ask({ proxy, port, path }: Target, method: Asked['method'], headers: object): Promise<Asked> {
  const atMs = performance.now()
  return new Promise((done) => {
    const over = (status: number | null) =>
      done({ proxy, method, atMs, tookMs: performance.now() - atMs, status })
    const own = method === 'POST' ? { ...headers, 'content-length': '4' } : { ...headers }
    const sent = request({ agent, host: '127.0.0.1', port, path, method, headers: own }, (response) => {
      response.on('error', () => over(null))
      response.on('end', () => over(response.statusCode!))
      response.resume()
    })
    sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error('no answer')))
    sent.on('error', () => over(null))
    sent.end(method === 'POST' ? 'once' : undefined)
  })
}
