/**
 * `npm run bench:evaluate`: Turnout's engine, alone and in the local client, beside three others and beside a hand-written evaluator,
 * in this process's children: one engine a process, all engines in turn, several rounds. `--check` fails where a goal is missed,
 * `--rounds=N` changes how many (default 7).
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { compile, encodeSnapshot, type FlagDocument } from '../engine/index.ts'
import { ENGINES, type EngineName, type Figures, FLAGS } from './evaluate-engine.ts'
import type { Bulk, Files, Loading } from './evaluate-load.ts'
import { document, KIND_TITLES, KINDS, keyOf, USERS, users } from './flags.ts'
import { installPeers, peerVersion } from './peers.ts'
import { conditions, figure, finish, type Goal, option, progress, table } from './report.ts'
import { median, type Ratio, ratio } from './statistics.ts'

const TITLES: Record<EngineName, string> = {
  turnout: 'Turnout',
  local: 'Turnout, local client',
  minimal: 'minimal, hand-written',
  growthbook: '@growthbook/growthbook',
  unleash: 'unleash-client',
  flagd: '@openfeature/flagd-core',
}
const PEERS = ['growthbook', 'unleash', 'flagd'] as const
/** Which file they are in. */
const OURS: Partial<Record<EngineName, 'engine' | 'client'>> = { turnout: 'engine', local: 'client' }
const COLUMNS = [...KINDS, 'any'] as const
/** How much faster than the fastest peer. */
const AHEAD: Record<(typeof KINDS)[number], number> = { boolean: 3, percentage: 5, allowlist: 5, rules: 5 }
const LOADED = 10_000

type Round = Record<EngineName, Figures>

const rounds = option('rounds', 7)
installPeers()
const about = conditions()
const folder = mkdtempSync(join(tmpdir(), 'turnout-bench-'))
try {
  const files = await prepareFiles(folder)
  const found: Round[] = []
  const more: { loading: Loading; bulk: Bulk }[] = []
  for (let round = 0; round < rounds; round += 1) {
    // Another one begins each time.
    const order = ENGINES.map((_, at) => ENGINES[(at + round) % ENGINES.length]!)
    const figures: Partial<Round> = {}
    for (const name of order) {
      progress(`round ${round + 1} of ${rounds}: ${TITLES[name]}`)
      const given = OURS[name] ? [files[OURS[name]], files.mixed] : []
      figures[name] = await inChild<Figures>('evaluate-engine.ts', [name, ...given])
    }
    found.push(figures as Round)
    progress(`round ${round + 1} of ${rounds}: loading, and all flags of a user`)
    more.push(await inChild('evaluate-load.ts', [JSON.stringify(files)]))
  }
  progress('')
  print(found, more)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The engine as a consumer would ship it, and the documents, authored and compiled. */
async function prepareFiles(folder: string): Promise<Files> {
  const all = users()
  const file = (name: string, content: string): string => {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }
  const large = document(all, LOADED)
  const percentages = Array.from({ length: FLAGS }, (_, at) => [
    keyOf('percentage', at),
    { enabled: true, percentage: (at % 99) + 1 },
  ])
  return {
    engine: await bundled(
      folder,
      'engine',
      "export { decodeSnapshot, evaluate, evaluateAll, NO_KILLS, prepare } from '../engine/index.ts'",
    ),
    client: await bundled(folder, 'client', "export { createClient } from '../sdk/index.ts'"),
    authored: file('authored.json', JSON.stringify(large)),
    snapshot: file('snapshot', compiled(large)),
    percentages: file('percentages', compiled({ flags: Object.fromEntries(percentages) })),
    mixed: file('mixed', compiled(document(all, FLAGS))),
  }
}

async function bundled(folder: string, name: string, contents: string): Promise<string> {
  const outfile = join(folder, `${name}.js`)
  await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    outfile,
    logLevel: 'error',
  })
  return outfile
}

function compiled(authored: FlagDocument): string {
  const result = compile(authored, { environment: 'bench', epoch: 1, version: 1 })
  if (!result.ok) throw new Error(`[bench] ${result.error[0]?.path}: ${result.error[0]?.message}`)
  return encodeSnapshot(result.value.snapshot)
}

/** The one line of JSON that a script prints. */
async function inChild<T>(script: string, args: readonly string[]): Promise<T> {
  const path = join(import.meta.dirname, script)
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', path, ...args], {
    env: { ...process.env, NODE_ENV: 'production' },
  })
  return JSON.parse(stdout)
}

function print(found: readonly Round[], more: readonly { loading: Loading; bulk: Bulk }[]): void {
  const of = (name: EngineName, kind: keyof Figures) => found.map((round) => round[name][kind])
  const versions = PEERS.map((name) => `${TITLES[name]} ${peerVersion(TITLES[name])}`).join(', ')
  console.log(`In-process evaluation, ns per call: median of ${found.length} rounds
  ${FLAGS} flags loaded, ${FLAGS / 4} of each kind; ${USERS} varied users; a process for each engine and round, engines in turn
  ${about}
  ${versions}
`)
  for (const kind of KINDS) console.log(`  ${KIND_TITLES[kind]}`)
  console.log(`  any  any of the ${FLAGS} flags, in any order\n`)
  const rows = ENGINES.map((name) => [TITLES[name], ...COLUMNS.map((kind) => figure(median(of(name, kind))))])
  console.log(table([['engine', 'a', 'b', 'c', 'd', 'any'], ...rows]))

  const loads = (which: 'load' | 'parse', when: 'first' | 'warm') =>
    more.map((round) => round.loading[which][when])
  const bulks = (which: keyof Bulk) => more.map(({ bulk }) => bulk[which])
  console.log(`
Loading ${LOADED} flags until the first answer, ms: warm ${figure(median(loads('load', 'warm')))}, first in its process ${figure(median(loads('load', 'first')))}
  JSON.parse of the authored document: warm ${figure(median(loads('parse', 'warm')))}, first in its process ${figure(median(loads('parse', 'first')))}
All ${FLAGS} flags for one user, µs: percentages ${figure(median(bulks('percentages')))}, mixed ${figure(median(bulks('mixed')))}, floor ${figure(median(bulks('floor')))}
  floor: one murmur3 of the user, one finaliser and comparison a flag`)

  const fastest = (kind: keyof Figures): Ratio =>
    PEERS.map((name) => ratio(of(name, kind), of('turnout', kind))).reduce((one, other) =>
      one.median <= other.median ? one : other,
    )
  const goals: Goal[] = [
    ...KINDS.map((kind) => ({
      name: `fastest peer / Turnout, ${KIND_TITLES[kind]}`,
      ratio: fastest(kind),
      atLeast: AHEAD[kind],
    })),
    ...KINDS.map((kind) => ({
      name: `Turnout / minimal, ${KIND_TITLES[kind]}`,
      ratio: ratio(of('turnout', kind), of('minimal', kind)),
      atMost: 2,
    })),
    ...COLUMNS.map((kind) => ({
      name: `local client / engine alone, ${kind === 'any' ? 'any' : KIND_TITLES[kind]}`,
      ratio: ratio(of('local', kind), of('turnout', kind)),
      // Of a only told: there the call itself, and the look at the type, are a good part of all there is.
      ...(kind !== 'boolean' && { atMost: 1.1 }),
    })),
    {
      name: `loading ${LOADED} / JSON.parse, warm`,
      ratio: ratio(loads('load', 'warm'), loads('parse', 'warm')),
      atMost: 1,
    },
    {
      name: `loading ${LOADED} / JSON.parse, first in its process`,
      ratio: ratio(loads('load', 'first'), loads('parse', 'first')),
      atMost: 1,
    },
    {
      name: `all ${FLAGS} percentages / floor`,
      ratio: ratio(bulks('percentages'), bulks('floor')),
      atMost: 5,
    },
  ]
  finish(goals)
}
