/**
 * One engine alone in a process of its own, so that none is slowed by what another has taught the compiler: loads the
 * flags, checks the answers, warms up, measures, and prints its figures as one line of JSON.
 */
import type { Engine, Load } from './engines/engine.ts'
import {
  allowed,
  type Colour,
  KINDS,
  type Kind,
  keyOf,
  keysOf,
  ruled,
  SPLIT,
  type User,
  users,
} from './flags.ts'
import { median } from './statistics.ts'

export const ENGINES = ['turnout', 'local', 'minimal', 'growthbook', 'unleash', 'flagd'] as const
export type EngineName = (typeof ENGINES)[number]

/** ns per call: each kind of flag by itself, and any of all flags in any order. */
export type Figures = Record<Kind | 'any', number>

export const FLAGS = 1_000
/** Copy of each kind that is asked for. */
const ASKED = 125
const WARM_UP_MS = 300
const SAMPLES = 5
const SAMPLE_MS = 50

/** Calls an engine for every user; gives the number of answers that were `true` or not `control`. */
type Pass = () => number

async function measure(name: EngineName, files: readonly string[]): Promise<Figures> {
  const all = users()
  const engine = (await loadEngine(name, all, files)) as Engine<object>
  const contexts = all.map((user) => engine.context(user))
  check(name, all, contexts, engine)
  const passes = { ...byKind(engine, contexts), any: anyFlag(engine, contexts) }
  const entries = [...KINDS, 'any' as const].map((kind) => [kind, time(passes[kind]) / contexts.length])
  return Object.fromEntries(entries)
}

async function loadEngine(name: EngineName, all: readonly User[], files: readonly string[]) {
  if (name === 'turnout') return (await import('./engines/turnout.ts')).load(files[0]!, files[1]!)
  if (name === 'local') return (await import('./engines/local.ts')).load(files[0]!, files[1]!)
  const { load } = (await import(`./engines/${name}.ts`)) as { load: Load }
  return load(all, FLAGS)
}

function byKind(engine: Engine<object>, contexts: readonly object[]): Record<Kind, Pass> {
  const boolean = (kind: Kind): Pass => {
    const key = keyOf(kind, ASKED)
    return () => {
      let count = 0
      for (let at = 0; at < contexts.length; at += 1) if (engine.boolean(key, contexts[at]!)) count += 1
      return count
    }
  }
  const rules = keyOf('rules', ASKED)
  const text = (): number => {
    let count = 0
    for (let at = 0; at < contexts.length; at += 1)
      if (engine.text(rules, contexts[at]!) !== 'control') count += 1
    return count
  }
  return {
    boolean: boolean('boolean'),
    percentage: boolean('percentage'),
    allowlist: boolean('allowlist'),
    rules: text,
  }
}

/** A flag of the thousand for each user, in an order without pattern. */
function anyFlag(engine: Engine<object>, contexts: readonly object[]): Pass {
  const flags = keysOf(FLAGS)
  const order = contexts.map((_, at) => flags[(Math.imul(at + 1, 0x9e3779b1) >>> 0) % FLAGS]!)
  const keys = order.map(({ key }) => key)
  const isText = order.map(({ kind }) => kind === 'rules')
  return () => {
    let count = 0
    for (let at = 0; at < contexts.length; at += 1) {
      const context = contexts[at]!
      if (isText[at] ? engine.text(keys[at]!, context) !== 'control' : engine.boolean(keys[at]!, context))
        count += 1
    }
    return count
  }
}

/** ns per pass: the median of a few samples, each of as many passes as fill its time. */
function time(pass: Pass): number {
  const expected = pass()
  const passes = Math.max(1, Math.round(SAMPLE_MS / (run(pass, expected, WARM_UP_MS) / 1e6)))
  const samples = Array.from({ length: SAMPLES }, () => {
    globalThis.gc?.()
    const started = process.hrtime.bigint()
    for (let at = 0; at < passes; at += 1)
      if (pass() !== expected) throw new Error('[bench] an engine changed its mind')
    return Number(process.hrtime.bigint() - started) / passes
  })
  return median(samples)
}

/** Passes for at least so long; ns per pass of the second half. */
function run(pass: Pass, expected: number, ms: number): number {
  const started = performance.now()
  let half = { at: started, passes: 0 }
  let passes = 0
  let now = started
  while (now - started < ms || passes < 4) {
    if (pass() !== expected) throw new Error('[bench] an engine changed its mind')
    passes += 1
    now = performance.now()
    if (now - started < ms / 2) half = { at: now, passes }
  }
  return ((now - half.at) * 1e6) / (passes - half.passes)
}

/** Throws unless every answer that rules settle is right, and every share is near what was asked for. */
function check(
  name: EngineName,
  all: readonly User[],
  contexts: readonly object[],
  engine: Engine<object>,
): void {
  const is = (what: string, share: number, expected: number, tolerance = 0.02): void => {
    if (!(Math.abs(share - expected) <= tolerance))
      throw new Error(`[bench] ${name}: ${what} for ${share.toFixed(3)} of the users, not ${expected}`)
  }
  const share = (of: readonly User[], holds: (context: object) => boolean): number =>
    of.filter((user) => holds(contexts[all.indexOf(user)]!)).length / of.length
  const on = (kind: Kind) => (context: object) => engine.boolean(keyOf(kind, ASKED), context)
  is('boolean is on', share(all, on('boolean')), 1, 0)
  is('50 % is on', share(all, on('percentage')), 0.5)
  const listed = new Set(allowed(all, ASKED))
  const [inside, outside] = [all.filter(({ id }) => listed.has(id)), all.filter(({ id }) => !listed.has(id))]
  is('an allowlist is on', share(inside, on('allowlist')), 1, 0)
  is('10 % is on', share(outside, on('allowlist')), 0.1)
  const colour = (context: object) => engine.text(keyOf('rules', ASKED), context)
  for (const name of Object.keys(SPLIT) as Colour[]) {
    const byRule = all.filter((user) => ruled(user) === name)
    is(
      `a rule gives ${name}`,
      share(byRule, (context) => colour(context) === name),
      1,
      0,
    )
    const bySplit = all.filter((user) => ruled(user) === null)
    is(
      `the split gives ${name}`,
      share(bySplit, (context) => colour(context) === name),
      SPLIT[name] / 100,
    )
  }
}

if (process.argv[1] === import.meta.filename) {
  const [name, ...files] = process.argv.slice(2)
  console.log(JSON.stringify(await measure(name as EngineName, files)))
}
