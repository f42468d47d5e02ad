/**
 * `npm run bench:edge`: the edge Worker with 1 000 flags and 20 routes beside a Worker that passes requests on and does
 * nothing else, each on a workerd of its own, in turn, many short rounds. `--check` fails where the goal is missed;
 * `--rounds=N` (default 20) and `--seconds=N` a round and Worker (default 2) say how long; each `--bundle=FILE` measures
 * another bundle in place of the edge as it is.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative, resolve } from 'node:path'
import { compile, encodeSnapshot } from '../engine/index.ts'
import { type Built, build } from '../local/build.ts'
import { startWorkerd } from '../local/workerd.ts'
import { BARE_WORKER, bareConfig, CONTROL_WORKER, edgeConfig } from './edge/config.ts'
import { cpuMicroseconds } from './edge/cpu.ts'
import { ENVIRONMENT, edgeDocument, TARGET } from './edge/document.ts'
import { type Generator, generator, headersOf, type Load } from './edge/load.ts'
import { installPeers } from './peers.ts'
import { conditions, figure, finish, option, options, progress, table } from './report.ts'
import { median, type Ratio, ratio } from './statistics.ts'

const VISITORS = 400
const WARM_UP_SECONDS = 3
const MOST_CPU = 1.15

interface Contestant {
  readonly title: string
  readonly pid: number
  readonly port: number
  /** One a round. */
  readonly samples: Sample[]
}

interface Sample extends Load {
  /** Of the whole workerd process, in microseconds. */
  readonly cpuPerRequest: number
}

const rounds = option('rounds', 20)
const seconds = option('seconds', 2)
const bundles = options('bundle').map((file) => resolve(file))
const undo: (() => unknown)[] = []
installPeers()
const built = (await build((line) => console.error(`turnout: ${line}`))).edge
const about = conditions()
try {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-bench-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const origin = await startOrigin()
  const bare = await startBare(folder, origin, built)
  const edges = await startEdges(folder, origin, built)
  const all = [bare, ...edges]
  const cookies = await visits(edges)
  const load = generator(TARGET, cookies, join(folder, 'load.lua'))
  for (const { title, port } of all) {
    progress(`warming up: ${title}`)
    await load.run(port, WARM_UP_SECONDS)
  }
  for (let round = 0; round < rounds; round += 1) {
    // Back and forth, so that what grows or fades with time falls on all of them.
    for (const contestant of round % 2 === 0 ? all : all.toReversed()) {
      progress(`round ${round + 1} of ${rounds}: ${contestant.title}`)
      contestant.samples.push(await sample(load, contestant))
    }
  }
  progress('')
  print(load, bare, edges)
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

async function startBare(folder: string, origin: string, { compatibilityFlags }: Built): Promise<Contestant> {
  writeFileSync(join(folder, 'bare.js'), BARE_WORKER)
  return start(folder, 'bare pass-through', bareConfig('bare.js', origin, compatibilityFlags))
}

async function startEdges(folder: string, origin: string, built: Built): Promise<Contestant[]> {
  const compiled = compile(edgeDocument(origin), {
    environment: ENVIRONMENT,
    epoch: 1,
    version: 1,
    allowPrivateOrigins: true,
  })
  if (!compiled.ok) throw new Error(`[bench] ${compiled.error[0]?.path}: ${compiled.error[0]?.message}`)
  writeFileSync(join(folder, 'control.js'), CONTROL_WORKER)
  writeFileSync(join(folder, 'snapshot'), encodeSnapshot(compiled.value.snapshot))
  const edges: Contestant[] = []
  for (const file of bundles.length === 0 ? [built.file] : bundles) {
    const files = { bundle: relative(folder, file), control: 'control.js', snapshot: 'snapshot' }
    const title = bundles.length === 0 ? 'Turnout edge' : basename(file)
    edges.push(await start(folder, title, edgeConfig(files, ENVIRONMENT, built.compatibilityFlags)))
  }
  return edges
}

async function start(folder: string, title: string, config: string): Promise<Contestant> {
  const configFile = join(folder, `${undo.length}.capnp`)
  writeFileSync(configFile, config)
  const workerd = await startWorkerd({ configFile, sockets: ['http'] })
  undo.push(() => workerd.stop())
  return { title, pid: workerd.pid, port: workerd.ports.http!, samples: [] }
}

/** First visits at the first edge: the cookies of many visitors. Throws unless every edge answers as it should. */
async function visits(edges: readonly Contestant[]): Promise<string[]> {
  const cookies: string[] = []
  for (let visitor = 0; visitor < VISITORS; visitor += 1) {
    const response = await visit(edges[0]!, {})
    const cookie = response.headers.getSetCookie()[0]?.split(';')[0]
    if (cookie === undefined) throw new Error('[bench] the edge sets no cookie at a first visit')
    cookies.push(cookie)
  }
  for (const edge of edges) {
    const { headers } = await visit(edge, headersOf(cookies[0]!))
    if (headers.has('set-cookie') || headers.has('x-turnout-variant'))
      throw new Error(`[bench] ${edge.title} does not know a visitor again, or sends debug headers`)
  }
  return cookies
}

async function visit({ title, port }: Contestant, headers: Record<string, string>): Promise<Response> {
  const response = await fetch(`http://127.0.0.1:${port}${TARGET}`, { headers })
  const text = await response.text()
  if (response.headers.get('x-origin') === 'bench') return response
  throw new Error(`[bench] ${title} did not pass a request on: ${response.status} ${text}`)
}

async function sample(load: Generator, { pid, port }: Contestant): Promise<Sample> {
  const before = cpuMicroseconds(pid)
  const found = await load.run(port, seconds)
  return { ...found, cpuPerRequest: (cpuMicroseconds(pid) - before) / found.requests }
}

function print(load: Generator, bare: Contestant, edges: readonly Contestant[]): void {
  const values = ({ samples }: Contestant, what: keyof Sample) => samples.map((sample) => sample[what])
  const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuPerRequest'] as const
  const rows = [bare, ...edges].map((one) => [
    one.title,
    ...columns.map((what) => figure(median(values(one, what)))),
  ])
  console.log(`Edge on workerd, 1 000 flags and 20 routes: median of ${rounds} rounds of ${seconds} s each, in turn
  ${load.title}, 32 connections, 12 headers, ${VISITORS} visitors; origin: a small TCP server on Node, on the same machine
  ${about}
`)
  console.log(table([['worker', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request'], ...rows]))
  const toBare = (edge: Contestant, what: keyof Sample): Ratio =>
    ratio(values(edge, what), values(bare, what))
  finish(
    edges.flatMap((edge) => [
      {
        name: `${edge.title} / bare, CPU per request`,
        ratio: toBare(edge, 'cpuPerRequest'),
        atMost: MOST_CPU,
      },
      { name: `${edge.title} / bare, requests/s`, ratio: toBare(edge, 'perSecond') },
      { name: `${edge.title} / bare, p50`, ratio: toBare(edge, 'p50Ms') },
    ]),
  )
}
