/**
 * What a new snapshot costs, and what all flags for one user cost, each beside its floor, alone in a process of its own.
 * Prints its figures as one line of JSON.
 */
import { readFileSync } from 'node:fs'
import type * as Bundled from '../engine/index.ts'
import { keyOf, type User, users } from './flags.ts'
import { fmix32, murmur3 } from './minimal.ts'
import { median } from './statistics.ts'

/** Milliseconds, the first time in the process and warm. */
export interface Loading {
  readonly load: { readonly first: number; readonly warm: number }
  readonly parse: { readonly first: number; readonly warm: number }
}

/** Microseconds for all 1 000 flags of one user. */
export interface Bulk {
  readonly percentages: number
  readonly mixed: number
  readonly floor: number
}

/** Files of the wire forms and of the authored document; names of the parent's arguments. */
export interface Files {
  readonly engine: string
  readonly client: string
  readonly authored: string
  readonly snapshot: string
  readonly percentages: string
  readonly mixed: string
}

const WARM_UP = 3
const SAMPLES = 15
const BULK_MS = 60

/** From the text of 10 000 flags to the first answer, beside reading the authored document as JSON. */
function loading(engine: typeof Bundled, files: Files): Loading {
  const key = keyOf('percentage', 1_250)
  const load = sample(files.snapshot, (text) => {
    const decoded = engine.decodeSnapshot(text)
    if (!decoded.ok) throw new Error(decoded.error.message)
    const decision = engine.evaluate(engine.prepare(decoded.value, engine.NO_KILLS), key, {
      targetingKey: 'user-1',
    })
    if (typeof decision.value !== 'boolean') throw new Error(`[bench] no answer on ${key}`)
  })
  const parse = sample(files.authored, (text) => {
    if (JSON.parse(text).flags[key] === undefined) throw new Error(`[bench] no flag ${key}`)
  })
  // In turn, so that neither has the quieter half of the run.
  const rounds = Array.from({ length: 1 + WARM_UP + SAMPLES }, () => ({ load: load(), parse: parse() }))
  const warm = rounds.slice(1 + WARM_UP)
  const of = (which: 'load' | 'parse') => ({
    first: rounds[0]![which],
    warm: median(warm.map((round) => round[which])),
  })
  return { load: of('load'), parse: of('parse') }
}

/** Milliseconds that `work` takes on a string that was never seen before, without the garbage of others. */
function sample(file: string, work: (text: string) => void): () => number {
  const bytes = readFileSync(file)
  return () => {
    const text = bytes.toString('latin1') // the documents are ASCII: one byte a character, as a runtime would hold them
    globalThis.gc?.()
    const started = performance.now()
    work(text)
    return performance.now() - started
  }
}

/** All flags for one user after another, beside one hash of the user and one finaliser and comparison a flag. */
function bulk(engine: typeof Bundled, files: Files): Bulk {
  const all = users()
  const contexts = all.map(({ id, ...attributes }) => ({ targetingKey: id, ...attributes }))
  const passOf = (file: string) => {
    const decoded = engine.decodeSnapshot(readFileSync(file, 'utf8'))
    if (!decoded.ok) throw new Error(decoded.error.message)
    const prepared = engine.prepare(decoded.value, engine.NO_KILLS)
    return (at: number): number => engine.evaluateAll(prepared, contexts[at]!).length
  }
  const passes = { percentages: passOf(files.percentages), mixed: passOf(files.mixed), floor: floorPass(all) }
  const time = (pass: (at: number) => number) => perUser(pass, all.length)
  for (const pass of Object.values(passes)) time(pass) // warm-up
  const rounds = Array.from({ length: 5 }, () => ({
    percentages: time(passes.percentages),
    floor: time(passes.floor),
    mixed: time(passes.mixed),
  }))
  const of = (which: keyof Bulk) => median(rounds.map((round) => round[which]))
  return { percentages: of('percentages'), mixed: of('mixed'), floor: of('floor') }
}

/** The floor: 1 000 seeds and boundaries side by side. */
function floorPass(all: readonly User[]): (at: number) => number {
  const seeds = Int32Array.from({ length: 1_000 }, (_, at) => murmur3(keyOf('percentage', at)))
  const belows = Float64Array.from({ length: 1_000 }, (_, at) => ((at % 99) + 1) * 42_949_672.96)
  return (at) => {
    const base = murmur3(all[at]!.id)
    let inside = 0
    for (let flag = 0; flag < seeds.length; flag += 1)
      if (fmix32(base ^ seeds[flag]!) < belows[flag]!) inside += 1
    return inside
  }
}

/** Microseconds a call, over users in turn, for so long. */
function perUser(pass: (at: number) => number, users: number): number {
  globalThis.gc?.()
  let calls = 0
  let sink = 0
  const started = performance.now()
  let now = started
  while (now - started < BULK_MS) {
    for (let more = 0; more < 64; more += 1) sink += pass((calls + more) % users)
    calls += 64
    now = performance.now()
  }
  if (sink === 0) throw new Error('[bench] no flag was evaluated')
  return ((now - started) * 1_000) / calls
}

if (process.argv[1] === import.meta.filename) {
  const files = JSON.parse(process.argv[2]!) as Files
  const engine = (await import(files.engine)) as typeof Bundled
  console.log(JSON.stringify({ loading: loading(engine, files), bulk: bulk(engine, files) }))
}
