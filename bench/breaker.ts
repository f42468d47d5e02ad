/**
 * `npm run bench:breaker`: what it costs to ask an open circuit breaker, and to find where a request goes instead; and how often
 * one opens by chance alone, at an origin that fails a fifth of its requests, beside what the binomial distribution expects.
 * In one process, with the edge's own code. `--check` fails where a goal is missed; `--rounds=N` (default 7) says how long;
 * `--seed=N` draws other chances.
 */
import { BREAKER_DEFAULTS, type Route } from '../engine/index.ts'
import { Breaker } from '../worker/breaker.ts'
import { destination } from '../worker/destination.ts'
import type { Chooser } from '../worker/pool.ts'
import type { PreparedOrigin, PreparedRoute } from '../worker/routes.ts'
import { Upstream } from '../worker/upstream.ts'
import { atLeast, randomFrom } from './breaker/chance.ts'
import { type Cost, costOf } from './breaker/cost.ts'
import { conditions, figure, finish, option, progress, table } from './report.ts'
import { median, ratio } from './statistics.ts'

/** The customer's figures for such a system, and ours. */
const CUSTOMER = { meanUs: 50, p95Us: 120 }
const MOST_MEAN_US = 1
const FAILURE_RATE = 0.2
/** Fresh breakers in a round, for each number of attempts. */
const TRIALS = 100_000
/** The same breaker, asked for ten minutes. */
const LONG_TRIALS = 1_000
const LONG_SECONDS = 600
const RATES = [1, 5, 20] as const
const NOW = 1_790_000_000_000

const rounds = option('rounds', 7)
const random = randomFrom(option('seed', 1))
const about = conditions()

const ACTS: Readonly<Record<string, () => unknown>> = {
  'closed: may it be asked': asking(new Breaker()),
  'open: may it be asked': asking(opened(new Breaker())),
  'open: where the request goes instead': intercepting(1),
  'three of a chain open: where it goes': intercepting(3),
}
/** Attempts in the window, the least at which it may open first. */
const SIZES = [BREAKER_DEFAULTS.minimumRequests, 20, 40, 100] as const

const costs = new Map<string, Cost[]>(Object.keys(ACTS).map((title) => [title, []]))
const opens = new Map<number, number[]>(SIZES.map((size) => [size, []]))
const longOpens = new Map<number, number[]>(RATES.map((rate) => [rate, []]))
for (let number = 1; number <= rounds; number += 1) {
  progress(`round ${number} of ${rounds}`)
  for (const [title, act] of Object.entries(ACTS)) costs.get(title)!.push(costOf(act))
  for (const size of SIZES) opens.get(size)!.push(openedByChance(size))
  for (const rate of RATES) longOpens.get(rate)!.push(openedInTime(rate))
}
progress('')
print()

function asking(breaker: Breaker): () => unknown {
  return () => breaker.admits(NOW, random)
}

function opened(breaker: Breaker): Breaker {
  for (let n = 0; n < breaker.settings.consecutiveFailures; n += 1)
    breaker.record('unreached', NOW, NOW, random)
  return breaker
}

/** A chain of origins of which so many, from the first on, are broken. */
function intercepting(broken: number): () => unknown {
  const names = ['first', 'second', 'third', 'last']
  const origins = new Map<string, PreparedOrigin>()
  for (const [at, variant] of names.entries()) {
    const upstream = new Upstream(`shop/${variant}`, `https://${variant}.example.com`, BREAKER_DEFAULTS)
    if (at < broken) opened(upstream.breaker!)
    const choose: PreparedOrigin['choose'] = ({ nowMs, random, anyhow }) =>
      anyhow || upstream.admits(nowMs, random) ? upstream : null
    origins.set(variant, { variant, choose, fallback: names[at + 1] ?? null } as PreparedOrigin)
  }
  const route = { route: { id: 'shop', fallback: 'last' } as Route, origins } as unknown as PreparedRoute
  const by: Chooser = { facts: { place: {} }, key: 'visitor', nowMs: NOW, random, anyhow: false }
  const first = origins.get('first')!
  const { to } = destination(route, first, by)
  if (to.variant !== names[broken]) throw new Error(`[bench] a request went to ${to.variant}`)
  return () => destination(route, first, by)
}

/** Share of breakers at their defaults that open at least once, from a cold start, at so many requests a second. */
function openedInTime(perSecond: number): number {
  let open = 0
  for (let trial = 0; trial < LONG_TRIALS; trial += 1) {
    const breaker = new Breaker()
    for (let n = 0; n < perSecond * LONG_SECONDS; n += 1) {
      const atMs = NOW + (1_000 * n) / perSecond
      breaker.record(random() < FAILURE_RATE ? 'failed' : 'ok', atMs, atMs, random)
      if (breaker.phase(atMs) === 'open') {
        open += 1
        break
      }
    }
  }
  return open / LONG_TRIALS
}

/** Share of fresh breakers that are open after so many attempts, none of which could open them before the last. */
function openedByChance(attempts: number): number {
  const settings = { ...BREAKER_DEFAULTS, minimumRequests: attempts }
  let open = 0
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const breaker = new Breaker(settings)
    for (let n = 0; n < attempts; n += 1)
      breaker.record(random() < FAILURE_RATE ? 'failed' : 'ok', NOW, NOW, random)
    if (breaker.phase(NOW) === 'open') open += 1
  }
  return open / TRIALS
}

function print(): void {
  const of = (title: string, what: keyof Cost) => costs.get(title)!.map((cost) => cost[what])
  const halfOf = (size: number) => BREAKER_DEFAULTS.failureRate * size
  const anyway = (size: number) => atLeast(halfOf(size), size, FAILURE_RATE)
  // A breaker looks after a failure only: the last attempt is one.
  const expected = (size: number) => FAILURE_RATE * atLeast(halfOf(size) - 1, size - 1, FAILURE_RATE)
  console.log(`Circuit breakers in one process: median of ${rounds} rounds, ns a call
  ${about}
`)
  console.log(
    table([
      ['what is asked', 'mean', 'P95 (with the clock)'],
      ...Object.keys(ACTS).map((title) => [
        title,
        figure(median(of(title, 'meanNs'))),
        figure(median(of(title, 'p95Ns'))),
      ]),
    ]),
  )
  console.log(
    `\nOpened by chance, where ${100 * FAILURE_RATE} % fail: ${figure(TRIALS * rounds)} breakers each\n`,
  )
  console.log(
    table([
      ['attempts in the window', 'measured, %', 'binomial, the last one failed, %', 'binomial, %'],
      ...SIZES.map((size) => [
        String(size),
        (100 * median(opens.get(size)!)).toFixed(3),
        (100 * expected(size)).toFixed(3),
        (100 * anyway(size)).toFixed(3),
      ]),
    ]),
  )
  console.log(
    `\nThe same for ten minutes, with the defaults: ${figure(LONG_TRIALS * rounds)} breakers each\n`,
  )
  console.log(
    table([
      ['requests a second', 'opened at least once, %'],
      ...RATES.map((rate) => [String(rate), (100 * median(longOpens.get(rate)!)).toFixed(2)]),
    ]),
  )
  const [least] = SIZES
  const intercepted = 'open: where the request goes instead'
  const all = <T>(value: T): T[] => Array<T>(rounds).fill(value)
  finish([
    {
      name: `mean of an interception / ${MOST_MEAN_US} µs`,
      ratio: ratio(of(intercepted, 'meanNs'), all(1_000 * MOST_MEAN_US)),
      atMost: 1,
    },
    {
      name: `the same / the customer's ${CUSTOMER.meanUs / 1_000} ms`,
      ratio: ratio(of(intercepted, 'meanNs'), all(1_000 * CUSTOMER.meanUs)),
      atMost: 1,
    },
    {
      name: `P95 of an interception / the customer's ${CUSTOMER.p95Us / 1_000} ms`,
      ratio: ratio(of(intercepted, 'p95Ns'), all(1_000 * CUSTOMER.p95Us)),
      atMost: 1,
    },
    {
      name: `opened by chance at ${least} attempts / binomial, the last one failed`,
      ratio: ratio(opens.get(least)!, all(expected(least))),
      atLeast: 0.95,
      atMost: 1.05,
    },
  ])
}
