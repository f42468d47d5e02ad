/**
 * `npm run bench:edge`: the edge Worker with 1 000 flags and 20 routes beside a Worker that passes requests on and does
 * nothing else, each on a workerd of its own. A round starts new processes and loads them in turn, back and forth: where a
 * process happens to lie in memory alone moves its figures by several percent. `--check` fails where the goal is missed;
 * `--rounds=N` (default 9) and `--seconds=N` a turn (default 2, two turns a round) say how long; each `--bundle=FILE`
 * measures another bundle in place of the edge as it is.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { compile, encodeSnapshot } from '../engine/index.ts'
import { type Built, build } from '../local/build.ts'
import { startWorkerd, type Workerd } from '../local/workerd.ts'
import { BARE_WORKER, bareConfig, CONTROL_WORKER, edgeConfig } from './edge/config.ts'
import { cpuMicroseconds } from './edge/cpu.ts'
import { ENVIRONMENT, edgeDocument, type Kind, TARGET } from './edge/document.ts'
import { type Generator, generator, headersOf } from './edge/load.ts'
import { installPeers } from './peers.ts'
import { conditions, figure, finish, option, options, progress, table } from './report.ts'
import { median, type Ratio, ratio } from './statistics.ts'

const VISITORS = 400
/** After so many V8 has compiled nearly all that is hot (`--trace-opt`): a Worker's life is longer than that. */
const WARM_UP_REQUESTS = 40_000
const MOST_CPU = 1.15
/** Of what is on and idle beside the plain edge: the noise of nine rounds. */
const MOST_IDLE = 1.05
const KINDS: readonly (readonly [title: string, kind: Kind])[] = [
  ['Turnout edge', 'plain'],
  ['Turnout edge, all on and idle', 'idle'],
  ['Turnout edge, signed context', 'context'],
]

interface Contestant {
  readonly title: string
  readonly configFile: string
  /** Of the edge's document; `null`: it is the bare Worker. */
  readonly kind: Kind | null
  /** One a round. */
  readonly samples: Sample[]
}

interface Sample {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the whole workerd process, in microseconds. */
  readonly cpuPerRequest: number
}

const rounds = option('rounds', 9)
const seconds = option('seconds', 2)
const bundles = options('bundle').map((file) => resolve(file))
const undo: (() => unknown)[] = []
installPeers()
const built = (await build((line) => console.error(`turnout: ${line}`))).edge
const about = conditions()
try {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-bench-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const contestants = prepareContestants(folder, await startOrigin(), built)
  const load = generator(TARGET, await cookiesOf(contestants), join(folder, 'load.lua'))
  for (let number = 1; number <= rounds; number += 1) {
    progress(`round ${number} of ${rounds}`)
    await round(load, contestants)
  }
  progress('')
  print(load, contestants)
} finally {
  for (const step of undo.toReversed()) await step()
}

/** URL of the origin. */
async function startOrigin(): Promise<string> {
  const script = join(import.meta.dirname, 'edge', 'origin.ts')
  const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  undo.push(() => child.kill())
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return `http://127.0.0.1:${port}`
}

/** The bare Worker first. The edge as it is with three documents; other bundles with the plain one. */
function prepareContestants(
  folder: string,
  origin: string,
  { file, compatibilityFlags }: Built,
): Contestant[] {
  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return name
  }
  const bare = bareConfig(write('bare.js', BARE_WORKER), origin, compatibilityFlags)
  const control = write('control.js', CONTROL_WORKER)
  const measured =
    bundles.length === 0
      ? KINDS.map(([title, kind]) => ({ bundle: file, title, kind }))
      : bundles.map((bundle) => ({ bundle, title: basename(bundle), kind: 'plain' as const }))
  const edges = measured.map(({ bundle, title, kind }, at) => {
    const signs = kind === 'context'
    const snapshot = write(`snapshot-${at}`, snapshotText(origin, kind))
    const files = { bundle: relative(folder, bundle), control, snapshot, signs }
    const config = edgeConfig(files, ENVIRONMENT, compatibilityFlags)
    return {
      title,
      configFile: join(folder, write(`edge-${at}.capnp`, config)),
      kind,
      samples: [],
    }
  })
  const configFile = join(folder, write('bare.capnp', bare))
  return [{ title: 'bare pass-through', configFile, kind: null, samples: [] }, ...edges]
}

function snapshotText(origin: string, kind: Kind): string {
  const compiled = compile(edgeDocument(origin, kind), {
    environment: ENVIRONMENT,
    epoch: 1,
    version: 1,
    allowPrivateOrigins: true,
  })
  if (!compiled.ok) throw new Error(`[bench] ${compiled.error[0]?.path}: ${compiled.error[0]?.message}`)
  return encodeSnapshot(compiled.value.snapshot)
}

/** First visits at an edge: the cookies of many visitors. The key is the same in every process. */
async function cookiesOf(contestants: readonly Contestant[]): Promise<string[]> {
  const edge = contestants.find(({ kind }) => kind !== null)!
  const workerd = await startWorkerd({ configFile: edge.configFile, sockets: ['http'] })
  try {
    const cookies: string[] = []
    for (let visitor = 0; visitor < VISITORS; visitor += 1) {
      const response = await visit(edge, workerd, {})
      const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
      if (cookie === undefined) throw new Error('[bench] the edge sets no cookie at a first visit')
      cookies.push(cookie)
    }
    return cookies
  } finally {
    await workerd.stop()
  }
}

async function visit(
  { title }: Contestant,
  { ports }: Workerd,
  headers: Record<string, string>,
): Promise<Response> {
  const response = await fetch(`http://127.0.0.1:${ports.http}${TARGET}`, { headers })
  const text = await response.text()
  if (response.headers.get('x-origin') === 'bench') return response
  throw new Error(`[bench] ${title} did not pass a request on: ${response.status} ${text}`)
}

/** New processes, warmed up, each loaded twice: there and back, so that what changes with time falls on all of them. */
async function round(load: Generator, contestants: readonly Contestant[]): Promise<void> {
  const running: { contestant: Contestant; workerd: Workerd; turns: Sample[] }[] = []
  try {
    for (const contestant of contestants) {
      const workerd = await startWorkerd({ configFile: contestant.configFile, sockets: ['http'] })
      running.push({ contestant, workerd, turns: [] })
      await warmUp(load, workerd)
      if (contestant.kind !== null) await requireKnown(load, contestant, workerd)
    }
    for (const { workerd, turns } of [...running, ...running.toReversed()])
      turns.push(await turn(load, workerd))
    for (const { contestant, turns } of running) contestant.samples.push(mean(turns))
  } finally {
    for (const { workerd } of running) await workerd.stop()
  }
}

async function warmUp(load: Generator, { ports }: Workerd): Promise<void> {
  for (let served = 0; served < WARM_UP_REQUESTS; ) served += (await load.run(ports.http!, seconds)).requests
}

/** Throws unless an edge knows a visitor again and adds nothing to the answer. */
async function requireKnown(load: Generator, contestant: Contestant, workerd: Workerd): Promise<void> {
  const { headers } = await visit(contestant, workerd, headersOf(load.cookies[0]!))
  if (headers.has('set-cookie') || headers.has('x-turnout-variant'))
    throw new Error(`[bench] ${contestant.title} does not know a visitor again, or sends debug headers`)
}

async function turn(load: Generator, { pid, ports }: Workerd): Promise<Sample> {
  const before = cpuMicroseconds(pid)
  const { requests, ...rest } = await load.run(ports.http!, seconds)
  return { ...rest, cpuPerRequest: (cpuMicroseconds(pid) - before) / requests }
}

function mean(turns: readonly Sample[]): Sample {
  const of = (what: keyof Sample) => turns.reduce((sum, one) => sum + one[what], 0) / turns.length
  return {
    perSecond: of('perSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    cpuPerRequest: of('cpuPerRequest'),
  }
}

function print(load: Generator, contestants: readonly Contestant[]): void {
  const values = ({ samples }: Contestant, what: keyof Sample) => samples.map((sample) => sample[what])
  const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuPerRequest'] as const
  const rows = contestants.map((one) => [
    one.title,
    ...columns.map((what) => figure(median(values(one, what)))),
  ])
  console.log(`Edge on workerd, 1 000 flags and 20 routes: median of ${rounds} rounds, new processes in each, ${2 * seconds} s a Worker
  ${load.title}, 32 connections, 12 headers, ${VISITORS} visitors; origin: a small TCP server on Node, on the same machine
  ${about}
`)
  console.log(table([['worker', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request'], ...rows]))
  const [bare, ...edges] = contestants
  const compared = (one: Contestant, to: Contestant, what: keyof Sample): Ratio =>
    ratio(values(one, what), values(to, what))
  const plain = edges.find(({ kind }) => kind === 'plain')!
  finish(
    edges.flatMap((edge) => [
      {
        name: `${edge.title} / bare, CPU per request`,
        ratio: compared(edge, bare!, 'cpuPerRequest'),
        ...(edge.kind === 'plain' && { atMost: MOST_CPU }),
      },
      ...(edge.kind === 'plain'
        ? [
            { name: `${edge.title} / bare, requests/s`, ratio: compared(edge, bare!, 'perSecond') },
            { name: `${edge.title} / bare, p50`, ratio: compared(edge, bare!, 'p50Ms') },
          ]
        : [
            {
              name: `${edge.title} / ${plain.title}, CPU per request`,
              ratio: compared(edge, plain, 'cpuPerRequest'),
              // What is signed is asked for by a document, and costs what it costs.
              ...(edge.kind === 'idle' && { atMost: MOST_IDLE }),
            },
          ]),
    ]),
  )
}
