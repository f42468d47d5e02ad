/**
 * What a route keeps of its origins' responses, in the location's Cache API, by cache-rules.ts. Every key holds the arm and what
 * a rollback or a kill raises, so that none of it needs to be deleted. An optimisation: a cache that fails has nothing.
 */
import { murmur3, type Prepared, type Route } from '../engine/index.ts'
import { wholeOf } from './body.ts'
import {
  ageOf,
  ageOnArrival,
  answers,
  freshSeconds,
  invalidates,
  isUnmodified,
  type Keeping,
  variedBy,
  wishOf,
} from './cache-rules.ts'
import { withoutOurCookies } from './cookie.ts'
import { credentialsOf } from './credentials.ts'
import { problem } from './problem.ts'
import type { RequestFacts } from './request-facts.ts'
import type { Answered } from './second-try.ts'

/** Keeps a promise alive beyond the response. */
export type Background = (work: Promise<unknown>) => void

/** Larger responses pass, and are not kept: each is in memory once while it is put away. */
const MAX_BYTES = 2 * 1024 * 1024
/** Longer addresses are not kept. */
const MAX_KEY = 8_192
/** In every key: an edge never reads what another version of this file wrote in another shape. */
const SHAPE = 1
/** Where what is known of a kept response stands. */
const KEEPING = 'x-turnout-kept'
/** Headers that the Cache API would act upon: put aside with that, and back where the response is used. */
const ASIDE = [
  'cache-control',
  'expires',
  'vary',
  'age',
  'pragma',
  'cdn-cache-control',
  'cloudflare-cdn-cache-control',
]
/** After a failure the cache is left alone for a while: some platforms have none. */
const REST_MS = 60_000
let restUntilMs = 0

interface Kept {
  readonly response: Response
  readonly keeping: Keeping
}

export class ResponseCache {
  /** Environment, what purges raise, and route. */
  readonly #prefix: string
  /** Variant → its part of a key: the same variant at another address is another arm. */
  readonly #arms: ReadonlyMap<string, string>
  readonly #ttlSeconds: number
  readonly #credentials: readonly string[]

  constructor({ snapshot, kills }: Prepared, route: Route) {
    const { id, origins, rewrite, cache } = route
    const { environment, epoch, cacheEpoch = 0 } = snapshot
    const purged = `${epoch}.${cacheEpoch}.${kills.epoch}.${kills.cacheEpoch ?? kills.version}`
    this.#prefix = `${SHAPE}/${environment}/${purged}/${id}`
    this.#credentials = credentialsOf(route)
    this.#ttlSeconds = cache?.ttlSeconds ?? 0
    this.#arms = new Map(
      Object.entries(origins).map(([variant, { url, pool, headers, removeHeaders }]) => {
        const urls = [url, pool?.map((member) => member.url)]
        const what = JSON.stringify([urls, headers, removeHeaders, rewrite])
        return [variant, `${variant}/${(murmur3(what, 0) >>> 0).toString(36)}`]
      }),
    )
  }

  /** `ask`: the origins' answer, where none that was kept will do. */
  async answer(
    facts: RequestFacts,
    variant: string,
    ask: () => Promise<Answered>,
    background: Background,
  ): Promise<Answered> {
    const { request } = facts
    const key = this.#key(facts, variant)
    const wish = key === null || Date.now() < restUntilMs ? 'apart' : wishOf(request)
    if (key === null || wish === 'apart') {
      const answered = await ask()
      if (invalidates(request.method, answered.response.status)) background(this.#forget(facts))
      return answered
    }
    const kept = wish === 'kept' ? await find(key) : null
    if (kept && answers(kept.keeping, request, Date.now()))
      return { response: used(kept, request), served: variant, cache: 'hit' }
    if (/\bonly-if-cached\b/i.test(request.headers.get('cache-control') ?? ''))
      return { response: notKept(), served: variant, cache: 'miss' }
    const sentAtMs = Date.now()
    const answered = await ask()
    // What another variant answered in its place is not this one's.
    if (answered.served === variant) this.#keep(key, facts, answered.response, sentAtMs, background)
    return { ...answered, cache: 'miss' }
  }

  #key({ host, path, search, https }: RequestFacts, variant: string): string | null {
    const arm = this.#arms.get(variant)
    const scheme = https ? 'https' : 'http'
    // Under the edge's own host, as the Cache API wants it; requests never reach these addresses.
    const key = `https://${host}/.turnout/cache/responses/${this.#prefix}/${arm}/${scheme}${path}${search}`
    return arm === undefined || key.length > MAX_KEY ? null : key
  }

  #keep(
    key: string,
    facts: RequestFacts,
    response: Response,
    sentAtMs: number,
    background: Background,
  ): void {
    const { request } = facts
    const { headers } = response
    const cameAtMs = Date.now()
    const ttlSeconds = isAnonymous(facts, this.#credentials) ? this.#ttlSeconds : 0
    const fresh = freshSeconds(request, response, ttlSeconds, cameAtMs)
    const age = ageOnArrival(headers, sentAtMs, cameAtMs)
    if (fresh <= age || Number(headers.get('content-length') ?? 0) > MAX_BYTES) return
    const keeping = { age, cameAtMs, freshSeconds: fresh, varied: variedBy(headers, request) }
    background(keep(key, keeping, response.clone()))
  }

  async #forget(facts: RequestFacts): Promise<void> {
    const keys = [...this.#arms.keys()].map((variant) => this.#key(facts, variant))
    await attempted(() => Promise.all(keys.map((key) => (key === null ? false : caches.default.delete(key)))))
  }
}

/** An application that does not say how long its answer stays fresh may well have answered one user. */
const isAnonymous = (
  { request: { headers }, cookies }: RequestFacts,
  credentials: readonly string[],
): boolean =>
  !credentials.some((name) => name !== 'cookie' && headers.has(name)) &&
  (cookies === null || withoutOurCookies(cookies) === null)

/** What is kept of a key, fresh or not. */
const find = (key: string): Promise<Kept | null> =>
  attempted(async () => {
    const response = await caches.default.match(key)
    const text = response?.headers.get(KEEPING) ?? null
    if (!response || text === null) return null
    const { aside, ...keeping } = JSON.parse(text) as Keeping & { aside: [string, string][] }
    const result = new Response(response.body, response)
    // The platform's own word on its look-up goes with ours.
    for (const name of [KEEPING, 'cf-cache-status', ...ASIDE]) result.headers.delete(name)
    for (const [name, value] of aside) result.headers.set(name, value)
    return { response: result, keeping }
  })

/** Puts a whole response away; one that breaks off, or is too large, is none. */
async function keep(key: string, keeping: Keeping, response: Response): Promise<void> {
  const body = await wholeOf(response.body, MAX_BYTES)
  const headers = new Headers(response.headers)
  const said = headers.has('content-encoding') ? null : headers.get('content-length')
  if (body === null || (said !== null && Number(said) !== body.size)) return
  const aside = ASIDE.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)]] : []))
  for (const name of ASIDE) headers.delete(name)
  if (headers.has('content-encoding')) asDecoded(headers)
  const seconds = Math.ceil(keeping.freshSeconds - keeping.age)
  headers.set('cache-control', `public, max-age=${seconds}`)
  headers.set(KEEPING, ascii(JSON.stringify({ ...keeping, aside })))
  const { status, statusText } = response
  const kept = new Response(body, { status, statusText, headers })
  await attempted(() => caches.default.put(key, kept))
}

/** The body was read, and so decoded: its length is another, and its tag names other bytes (RFC 9110, section 8.8.3.3). */
function asDecoded(headers: Headers): void {
  for (const name of ['content-encoding', 'content-length']) headers.delete(name)
  const etag = headers.get('etag')
  if (etag !== null && !etag.startsWith('W/')) headers.set('etag', `W/${etag}`)
}

/** A kept response as the answer to a request. */
function used({ response, keeping }: Kept, request: Request): Response {
  const { headers, status, statusText } = response
  headers.set('age', String(Math.floor(ageOf(keeping, Date.now()))))
  if (status === 200 && isUnmodified(request, headers)) {
    headers.delete('content-length')
    return new Response(null, { status: 304, headers })
  }
  return request.method === 'HEAD' ? new Response(null, { status, statusText, headers }) : response
}

const notKept = (): Response => problem(504, 'Gateway Timeout', 'nothing is kept that the request would take')

/** A header holds no other characters. */
const ascii = (text: string): string =>
  text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

async function attempted<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch {
    restUntilMs = Date.now() + REST_MS
    return null
  }
}
