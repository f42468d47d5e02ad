/**
 * The isolates of one location, as they report themselves. In memory: every batch repeats what matters, so what a restart
 * loses is back with the next one. Pure; times are passed in, ms since 1970.
 */
import type { MetricBatch } from '../engine/index.ts'
import { ClockSkew } from './clock-skew.ts'
import { type IsolateReport, TRAFFIC_MS } from './propagation.ts'

/** An isolate that is silent for longer is forgotten. */
const FORGET_MS = 5 * 60_000
/** More are not remembered: those silent longest go first. */
const MAX_ISOLATES = 10_000
const MINUTE_MS = 60_000

interface Known extends Omit<IsolateReport, 'skewMs'> {
  readonly sequence: number
  readonly skew: ClockSkew
}

export class Isolates {
  /** Those seen longest ago first. */
  readonly #known = new Map<string, Known>()
  /** Requests of the last minute by the second in which they were reported. */
  readonly #requests = new Map<number, number>()

  get size(): number {
    return this.#known.size
  }

  /** Takes a batch; false if it was counted before. */
  add(batch: MetricBatch, nowMs: number): boolean {
    const { isolate, sequence, requests, serves, arrivals, sentAtMs, roundTripMs } = batch
    const before = this.#known.get(isolate)
    if (before && sequence < before.sequence) return false
    const counted = sequence !== before?.sequence
    const skew = before?.skew ?? new ClockSkew()
    skew.add(sentAtMs, nowMs, roundTripMs)
    this.#known.delete(isolate)
    this.#known.set(isolate, {
      isolate,
      sequence,
      serves,
      arrivals,
      skew,
      lastSeenAtMs: nowMs,
      lastRequestsAtMs: requests > 0 ? nowMs : (before?.lastRequestsAtMs ?? null),
      asleep: requests === 0,
    })
    if (counted) this.#count(requests, nowMs)
    this.#forget(nowMs)
    return counted
  }

  /** Every isolate that is known, with its clock's difference. */
  *reports(nowMs: number): Iterable<IsolateReport> {
    this.#forget(nowMs)
    for (const { skew, sequence: _, ...report } of this.#known.values()) yield { ...report, skewMs: skew.ms }
  }

  /** Whether one has traffic, as far as is known. One that said that it sleeps has none. */
  someAwake(nowMs: number): boolean {
    for (const { asleep, lastRequestsAtMs } of this.#known.values())
      if (!asleep && lastRequestsAtMs !== null && nowMs - lastRequestsAtMs <= TRAFFIC_MS) return true
    return false
  }

  /** Requests that were reported in the last minute. */
  requests(nowMs: number): number {
    let sum = 0
    for (const [second, requests] of this.#requests) if (nowMs - second * 1_000 < MINUTE_MS) sum += requests
    return sum
  }

  #count(requests: number, nowMs: number): void {
    const now = Math.floor(nowMs / 1_000)
    this.#requests.set(now, (this.#requests.get(now) ?? 0) + requests)
    for (const second of this.#requests.keys())
      if (nowMs - second * 1_000 >= MINUTE_MS) this.#requests.delete(second)
  }

  #forget(nowMs: number): void {
    for (const [isolate, { lastSeenAtMs }] of this.#known) {
      if (nowMs - lastSeenAtMs <= FORGET_MS && this.#known.size <= MAX_ISOLATES) return
      this.#known.delete(isolate)
    }
  }
}
