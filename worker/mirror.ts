/**
 * Which requests a route's mirror gets a copy of, and what came of the copies, until a batch tells it. Nothing that happens to a
 * copy delays or changes an answer, and no breaker or statistic of its variant learns from it. Source: docs/traffic.md, "Mirror".
 */
import {
  type Decision,
  MAX_DIFFERENCES,
  MAX_MIRRORS,
  type Mirror,
  type MirrorDifference,
  type Mirrored,
  type MirrorReport,
  NO_MIRRORED,
} from '../engine/index.ts'
import { type Ignored, parsePointers } from './compare.ts'
import type { Forwarding } from './forward.ts'
import { asksForEvents, isUpgrade } from './passable.ts'
import type { Chooser } from './pool.ts'
import type { Background } from './response-cache.ts'
import type { PreparedRoute } from './routes.ts'
import { MAX_BYTES, type Original, shadow } from './shadow.ts'

/** Copies of one isolate that may be under way. */
const MAX_RUNNING = 16
/** Bodies that one isolate compares in a second: reading one costs more than passing it on. */
const BODIES_PER_SECOND = 5

/** A route's mirror, ready. */
export interface PreparedMirror {
  readonly mirror: Mirror
  readonly ignored: Ignored
}

export const prepareMirror = (mirror: Mirror | undefined): PreparedMirror | null =>
  mirror === undefined ? null : { mirror, ignored: parsePointers(mirror.ignore ?? []) }

/** A request that was answered, and how it was sent. */
export interface Copied {
  readonly forwarding: Forwarding
  readonly by: Chooser
  /** Held, so that it can be sent twice. */
  readonly body: ArrayBuffer | undefined
}

interface Tally {
  readonly counts: Record<Mirrored, number>
  readonly differences: MirrorDifference[]
}

export class Mirrors {
  /** By route and variant. */
  readonly #tallies = new Map<string, Tally>()
  #running = 0
  #second = 0
  #bodiesInSecond = 0

  /** Whether a copy of the request is to be sent, if `served` answers it. One whose body cannot be sent twice is not. */
  draws(
    { route, mirror }: PreparedRoute,
    request: Request,
    { metadata }: Decision,
    served: string,
    random: () => number,
  ): boolean {
    if (mirror === null || mirror.mirror.variant === served) return false
    const { variant, percentage, unsafeMethods = false } = mirror.mirror
    // A kill's variant is all that may be asked.
    if (metadata.killed === true || !mayBeCopied(request, unsafeMethods)) return false
    if (random() * 100 >= percentage) return false
    const length = request.body === null ? 0 : Number(request.headers.get('content-length') ?? Number.NaN)
    if (length <= MAX_BYTES) return true
    this.#count(route.id, variant, ['skipped'])
    return false
  }

  /** Sends the copy, in the background. Before anybody reads the original's body. */
  send(original: Original, { forwarding, by, body }: Copied, background: Background): void {
    const { route } = forwarding
    const { mirror, ignored } = route.mirror!
    const to = route.origins.get(mirror.variant)
    const upstream = to?.choose(by)
    // Killed, or broken by requests of its own: it is left alone.
    if (!to || !upstream || this.#running >= MAX_RUNNING)
      return this.#count(route.route.id, mirror.variant, ['skipped'])
    this.#running += 1
    const compares = this.#comparesBody(original.response, Date.now())
    const what = { to, upstream, forwarding, body, ignored, original, compares }
    background(
      shadow(what).then(({ counted, difference }) => {
        this.#running -= 1
        this.#count(route.route.id, mirror.variant, counted, difference)
      }),
    )
  }

  get isEmpty(): boolean {
    return this.#tallies.size === 0
  }

  /** What there is to tell, once. */
  take(): MirrorReport[] {
    const taken: MirrorReport[] = []
    for (const [key, { counts, differences }] of this.#tallies) {
      if (taken.length >= MAX_MIRRORS) break
      this.#tallies.delete(key)
      const [route = '', variant = ''] = key.split('/')
      taken.push({ route, variant, counts, differences })
    }
    return taken
  }

  #count(
    route: string,
    variant: string,
    counted: readonly Mirrored[],
    difference: MirrorDifference | null = null,
  ): void {
    const key = `${route}/${variant}`
    const tally = this.#tallies.get(key) ?? { counts: { ...NO_MIRRORED }, differences: [] }
    this.#tallies.set(key, tally)
    for (const name of counted) tally.counts[name] += 1
    if (difference !== null && tally.differences.length < MAX_DIFFERENCES) tally.differences.push(difference)
  }

  #comparesBody({ body, headers }: Response, nowMs: number): boolean {
    if (body === null || Number(headers.get('content-length') ?? 0) > MAX_BYTES) return false
    if (/^\s*text\/event-stream\b/i.test(headers.get('content-type') ?? '')) return false
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#bodiesInSecond = 0
    }
    this.#bodiesInSecond += 1
    return this.#bodiesInSecond <= BODIES_PER_SECOND
  }
}

/** Not what keeps its connection, nor what may change something unless the route says so. */
const mayBeCopied = (request: Request, unsafeMethods: boolean): boolean =>
  (unsafeMethods || request.method === 'GET' || request.method === 'HEAD') &&
  !isUpgrade(request) &&
  !asksForEvents(request)
