/**
 * The addresses of origins as the isolates of one location find them: attempts of the last minute, and whose breakers are
 * open. In memory, like all of a location. Pure; times are passed in, ms since 1970.
 */
import type { BreakerPhase, UpstreamReport } from '../engine/index.ts'

const MINUTE_MS = 60_000
/** What an isolate said longer ago is not its word any more: longer than two batches may be apart. */
const WORD_MS = 10_000
/** More names are not kept: those silent longest go first. */
const MAX_NAMES = 10_000
/** Of the isolates that know an address, this share makes the others believe it broken. */
const BELIEVED_SHARE = 0.5

interface Word {
  readonly breaker: BreakerPhase
  readonly openUntilMs: number | null
  readonly p95Ms: number | null
  readonly alert: boolean
  readonly atMs: number
}

interface Attempts {
  ok: number
  failed: number
  unreached: number
  /** Long-lived connections that it broke off. */
  aborted: number
}

/** One address, in one location or in several. Plain data. */
export interface UpstreamState extends Readonly<Attempts> {
  readonly name: string
  /** Isolates that told of it in the last seconds, by what their breakers are. */
  readonly isolates: Readonly<Record<BreakerPhase, number>>
  /** The last of them that will let requests through, ms since 1970; `null`: none is open. */
  readonly openUntilMs: number | null
  /** The slowest of theirs; `null`: too few attempts. */
  readonly p95Ms: number | null
  readonly alerts: number
}

export class LocationUpstreams {
  /** Those told of longest ago first. */
  readonly #known = new Map<string, { words: Map<string, Word>; seconds: Map<number, Attempts> }>()
  #broken: Readonly<Record<string, number>> = {}
  #brokenSecond = 0

  /** `counted`: the batch is not one that was counted before. */
  add(isolate: string, reports: readonly UpstreamReport[], counted: boolean, nowMs: number): void {
    for (const { name, breaker, openForMs, p95Ms, alert, ok, failed, unreached, aborted = 0 } of reports) {
      const known = this.#known.get(name) ?? { words: new Map(), seconds: new Map() }
      this.#known.delete(name)
      this.#known.set(name, known)
      const openUntilMs = openForMs === null ? null : nowMs + openForMs
      known.words.set(isolate, { breaker, openUntilMs, p95Ms, alert, atMs: nowMs })
      if (!counted) continue
      const second = Math.floor(nowMs / 1_000)
      const sums = known.seconds.get(second) ?? { ...NO_ATTEMPTS }
      known.seconds.set(second, sums)
      sums.ok += ok
      sums.failed += failed
      sums.unreached += unreached
      sums.aborted += aborted
    }
    this.#forget(nowMs)
  }

  /** Addresses that isolates here should leave alone → how much longer, ms. Judged once a second: every batch asks. */
  broken(nowMs: number): Readonly<Record<string, number>> {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#brokenSecond) {
      this.#brokenSecond = second
      this.#broken = this.#judge(nowMs)
    }
    return this.#broken
  }

  #judge(nowMs: number): Record<string, number> {
    const found = new Map<string, number>()
    for (const { name, isolates, openUntilMs } of this.list(nowMs)) {
      const all = isolates.closed + isolates.open + isolates.recovering
      if (openUntilMs === null || openUntilMs <= nowMs || isolates.open < BELIEVED_SHARE * all) continue
      found.set(name, openUntilMs - nowMs)
    }
    return Object.fromEntries(found)
  }

  *list(nowMs: number): Generator<UpstreamState> {
    this.#forget(nowMs)
    for (const [name, { words, seconds }] of this.#known) {
      const states = [...words.values()].map(({ breaker, openUntilMs, p95Ms, alert }) => ({
        isolates: { ...NONE, [breaker]: 1 },
        openUntilMs,
        p95Ms,
        alerts: alert ? 1 : 0,
      }))
      const counts = [...seconds.values()]
      yield [
        ...states.map((state) => ({ name, ...NO_ATTEMPTS, ...state })),
        ...counts.map((attempts) => ({ name, ...SILENT, ...attempts })),
      ].reduce(added, { name, ...NO_ATTEMPTS, ...SILENT })
    }
  }

  #forget(nowMs: number): void {
    for (const [name, { words, seconds }] of this.#known) {
      for (const [isolate, { atMs }] of words) if (nowMs - atMs > WORD_MS) words.delete(isolate)
      for (const second of seconds.keys()) if (nowMs - second * 1_000 >= MINUTE_MS) seconds.delete(second)
      if ((words.size === 0 && seconds.size === 0) || this.#known.size > MAX_NAMES) this.#known.delete(name)
    }
  }
}

const NONE: Record<BreakerPhase, number> = { closed: 0, open: 0, recovering: 0 }
const NO_ATTEMPTS: Attempts = { ok: 0, failed: 0, unreached: 0, aborted: 0 }
const SILENT = { isolates: NONE, openUntilMs: null, p95Ms: null, alerts: 0 }

/** Of an address that no isolate told of. */
export const NO_UPSTREAM = { ...NO_ATTEMPTS, ...SILENT }

/** The same addresses in several locations as one, by name. */
export function merged(states: Iterable<UpstreamState>): UpstreamState[] {
  const found = new Map<string, UpstreamState>()
  for (const state of states) {
    const known = found.get(state.name)
    found.set(state.name, known === undefined ? state : added(known, state))
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function added(a: UpstreamState, b: UpstreamState): UpstreamState {
  return {
    name: a.name,
    ok: a.ok + b.ok,
    failed: a.failed + b.failed,
    unreached: a.unreached + b.unreached,
    aborted: a.aborted + b.aborted,
    isolates: {
      closed: a.isolates.closed + b.isolates.closed,
      open: a.isolates.open + b.isolates.open,
      recovering: a.isolates.recovering + b.isolates.recovering,
    },
    openUntilMs: larger(a.openUntilMs, b.openUntilMs),
    p95Ms: larger(a.p95Ms, b.p95Ms),
    alerts: a.alerts + b.alerts,
  }
}

const larger = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.max(a, b)
