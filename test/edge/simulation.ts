/**
 * One isolate in simulated time: requests come, wait, and may be aborted at any moment, after which nothing that they
 * began ever runs again, as on Workers. The control plane and the copies answer as a test tells them to.
 */
import {
  compile,
  encodeSnapshot,
  type Kill,
  type KillList,
  type Known,
  NO_KILLS,
  type Prepared,
} from '../../engine/index.ts'
import type { FreshnessLimits } from '../../worker/freshness.ts'
import type { Copy } from '../../worker/holding.ts'
import type { Clock, Sources } from '../../worker/refresher.ts'
import { Snapshots } from '../../worker/snapshots.ts'

export const LIMITS: FreshnessLimits = {
  maxAgeMs: 1_000,
  maxStaleMs: 2_000,
  refreshTimeoutMs: 1_000,
  coldLoadTimeoutMs: 5_000,
}

/** A snapshot whose flag `v` has its version as value. */
export function snapshotOf(epoch: number, version: number, padding = ''): string {
  const flags = {
    v: {
      enabled: true,
      variants: { now: epoch * 1_000_000 + version },
      off: 'now',
      fallthrough: 'now',
      description: padding,
    },
  }
  const compiled = compile({ flags }, { environment: 'test', epoch, version })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return encodeSnapshot(compiled.value.snapshot)
}

export class Visit {
  readonly startedMs: number
  doneMs: number | null = null
  answer: Prepared | null | undefined
  /** Answered within the call, without any waiting. */
  immediate = false
  aborted = false

  constructor(startedMs: number) {
    this.startedMs = startedMs
  }

  /** The platform cancels the request: none of its continuations runs again. */
  abort(): this {
    this.aborted = true
    return this
  }

  get waitedMs(): number {
    return (this.doneMs ?? Number.POSITIVE_INFINITY) - this.startedMs
  }

  get version(): number | null {
    return this.answer?.snapshot.version ?? null
  }
}

/** How the control plane takes a call: at once, after a while, never, or not at all. */
export type Manner = { afterMs?: number; hangs?: boolean; fails?: string }

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly owner: Visit | null
  readonly run: () => void
}

export class Simulation {
  nowMs = 1_800_000_000_000
  random = 0.5
  readonly snapshots: Snapshots
  readonly failures: unknown[] = []
  readonly reads: Known[] = []
  readonly bodies: string[] = []
  readonly remembered: unknown[] = []
  /** When the isolate could have reported, ms since 1970. */
  readonly reports: number[] = []
  copies: (() => Promise<Copy | null>)[] = []
  read: Manner = {}
  body: Manner = {}
  /** A read is answered by what held when it was asked; by default by what holds when it is answered. */
  answersAsAsked = false
  epoch = 1
  version = 0
  kills: KillList = NO_KILLS
  /** What `snapshot` gives; by default the version that was asked for. */
  bodyText: (epoch: number, version: number) => string = snapshotOf
  #timers: Timer[] = []
  #order = 0
  #owner: Visit | null = null

  constructor(limits: Partial<FreshnessLimits> = {}) {
    const clock: Clock = {
      now: () => this.nowMs,
      wait: (ms) => this.after(ms),
      random: () => this.random,
    }
    this.snapshots = new Snapshots({ ...LIMITS, ...limits }, clock)
  }

  publish(version = this.version + 1): this {
    this.version = version
    return this
  }

  /** A new list of kills. */
  kill(...kills: Kill[]): this {
    this.kills = { epoch: this.epoch, version: this.kills.version + 1, kills }
    return this
  }

  get sources(): Sources {
    return {
      control: {
        read: (known) => {
          this.reads.push(known)
          const now = () => {
            const { epoch, version: snapshot, kills } = this
            const current = known.epoch === kills.epoch && known.kills === kills.version
            return { environment: 'test', epoch, snapshot, kills: current ? null : kills }
          }
          const asked = now()
          return this.#call(this.read, this.answersAsAsked ? () => asked : now)
        },
        snapshot: (epoch, version) => {
          this.bodies.push(`${epoch}/${version}`)
          return this.#call(this.body, () => this.bodyText(epoch, version))
        },
      },
      copies: this.copies,
      remember: async (known) => this.remembered.push(known),
      report: async () => void this.reports.push(this.nowMs),
    }
  }

  /** A request comes, and everything that can happen at this moment does. */
  async request(told?: Known): Promise<Visit> {
    const visit = new Visit(this.nowMs)
    this.#owner = visit
    const background = (work: Promise<unknown>): void => {
      work.catch((cause) => this.failures.push(cause))
    }
    const result = told
      ? this.snapshots.atLeast(told, this.sources, background)
      : this.snapshots.current(this.sources, background)
    if (result instanceof Promise) {
      result.then(
        (answer) => {
          if (visit.aborted) return
          visit.answer = answer
          visit.doneMs = this.nowMs
        },
        (cause) => this.failures.push(cause),
      )
    } else {
      visit.immediate = true
      visit.answer = result
      visit.doneMs = this.nowMs
    }
    await settle()
    this.#owner = null
    return visit
  }

  /** Time goes by, timer by timer. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    for (;;) {
      const next = this.#next(untilMs)
      if (next === null) break
      this.#timers.splice(this.#timers.indexOf(next), 1)
      if (next.owner?.aborted) continue
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.#owner = next.owner
      next.run()
      await settle()
      this.#owner = null
    }
    this.nowMs = Math.max(this.nowMs, untilMs)
  }

  /** The timer that is due first, until then. */
  #next(untilMs: number): Timer | null {
    let first: Timer | null = null
    for (const timer of this.#timers) {
      const { atMs, order } = timer
      if (atMs > untilMs || (first && (first.atMs < atMs || (first.atMs === atMs && first.order < order))))
        continue
      first = timer
    }
    return first
  }

  /** Resolves later, unless the request that waits is aborted: then never. */
  after(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#order += 1
      this.#timers.push({
        atMs: this.nowMs + Math.max(0, ms),
        order: this.#order,
        owner: this.#owner,
        run: resolve,
      })
    })
  }

  async #call<T>({ afterMs = 1, hangs, fails }: Manner, answer: () => T): Promise<T> {
    if (hangs) return new Promise(() => {})
    await this.after(afterMs)
    if (fails !== undefined) throw new Error(fails)
    return answer()
  }
}

/** Lets every continuation that can run now run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await null
}

/** An isolate that has answered its first request, whose background work has ended with it. */
export async function warm(limits: Partial<FreshnessLimits> = {}): Promise<Simulation> {
  const isolate = new Simulation(limits).publish()
  const first = await isolate.request()
  await isolate.pass(20)
  if (first.version !== 1) throw new Error(`the first request was answered with version ${first.version}`)
  first.abort()
  return isolate
}

/** A copy of that version, without kills. */
export const copy = (
  version: number,
  from: Copy['from'] = 'last-known-good',
  more: Partial<Copy> = {},
): Copy => ({
  from,
  readAtMs: 1_799_999_000_000,
  kills: { epoch: 0, version: 0, kills: [] },
  snapshot: snapshotOf(1, version),
  ...more,
})
