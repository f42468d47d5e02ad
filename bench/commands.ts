/**
 * `npm run bench:commands`: how fast one environment's object takes commands (a flag's toggle) and answers queries (one
 * flag), over HTTP as a caller with a token, on workerd; beside it, in the same rounds, the platform's own floor. With 10,
 * 1 000 and 10 000 flags in the document. `--check` fails where a goal is missed; `--rounds=N` (default 7) and `--seconds=N`
 * a turn (default 1) say how long; `--clients=N` (default 16) how many wait at a time.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ASSETS_DIR } from '../local/assets.ts'
import { type Built, build } from '../local/build.ts'
import { startWorkerd, type Workerd } from '../local/workerd.ts'
import { workerdConfig } from '../local/workerd-config.ts'
import { type Load, load, type Request } from './commands/clients.ts'
import { ASKED, commandsDocument, TOGGLED } from './commands/document.ts'
import { FLOOR_WORKER, floorConfig } from './commands/floor.ts'
import { cpuMicroseconds } from './edge/cpu.ts'
import { conditions, figure, finish, type Goal, option, progress, table } from './report.ts'
import { median, ratio } from './statistics.ts'

/** The customer's figures for such a system. */
const CUSTOMER = {
  command: { title: 'commands', perSecond: 2_200, meanMs: 0.45 },
  query: { title: 'queries', perSecond: 1_220, meanMs: 0.82 },
} as const
type Act = keyof typeof CUSTOMER
const ACTS: readonly Act[] = ['command', 'query']
/** Or no further than this from what the platform itself does. */
const MOST_TIMES_FLOOR = 2
const SIZES = [10, 1_000, 10_000] as const
/** The size that the goals are about. */
const GOAL_SIZE = SIZES[0]
const WARM_UP_SECONDS = 2
const BOOTSTRAP = 'bootstrap-token-of-the-benchmark'

interface Contestant {
  readonly title: string
  readonly workerd: Workerd
  readonly next: Readonly<Record<Act, () => Request>>
  /** One a round, by act and number of clients. */
  readonly samples: Map<string, Sample[]>
}

interface Sample extends Load {
  /** Of the whole workerd process. */
  readonly cpuPerRequest: number
}

const rounds = option('rounds', 7)
const seconds = option('seconds', 1)
const many = option('clients', 16)
const undo: (() => unknown)[] = []
const built = (await build((line) => console.error(`turnout: ${line}`))).admin
const about = conditions()
try {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-bench-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const floor = await startFloor(folder, built)
  const planes: { flags: number; contestant: Contestant }[] = []
  for (const flags of SIZES) planes.push({ flags, contestant: await startControlPlane(folder, built, flags) })
  const all = [floor, ...planes.map(({ contestant }) => contestant)]
  for (const one of all) for (const act of ACTS) await turn(one, act, many, WARM_UP_SECONDS)
  for (let number = 1; number <= rounds; number += 1) {
    progress(`round ${number} of ${rounds}`)
    await round(number % 2 === 1 ? all : all.toReversed())
  }
  progress('')
  print(all)
  const small = planes.find(({ flags }) => flags === GOAL_SIZE)!.contestant
  finish(ACTS.flatMap((act) => goals(act, small, floor)))
} finally {
  for (const step of undo.toReversed()) await step()
}

async function startFloor(folder: string, { compatibilityDate }: Built): Promise<Contestant> {
  writeFileSync(join(folder, 'floor.js'), FLOOR_WORKER)
  const config = floorConfig('floor.js', newFolder(folder, 'floor'), compatibilityDate)
  const workerd = await start(folder, 'floor', config)
  const request = (method: string) => () => ({ method, path: '/', token: BOOTSTRAP })
  return {
    title: 'floor',
    workerd,
    next: { command: request('POST'), query: request('GET') },
    samples: new Map(),
  }
}

/** A control plane with one environment of so many flags, and a token whose holder may toggle. */
async function startControlPlane(
  folder: string,
  { file, ...compatibility }: Built,
  flags: number,
): Promise<Contestant> {
  const name = `flags-${flags}`
  const workerd = await start(
    folder,
    name,
    workerdConfig({
      admin: {
        bundle: { path: relative(folder, file), ...compatibility },
        address: '127.0.0.1:0',
        adminToken: BOOTSTRAP,
        assetsDir: ASSETS_DIR,
        storageDir: newFolder(folder, `${name}-objects`),
      },
      lastKnownGoodDir: newFolder(folder, `${name}-copies`),
      maxHeapMb: 256,
    }),
  )
  const api = `http://127.0.0.1:${workerd.ports.admin}/api/v1`
  await call(`${api}/environments/bench`, 'PUT', {}, { 'if-none-match': '*' })
  await call(`${api}/environments/bench/document`, 'PUT', commandsDocument(flags), { 'if-match': '*' })
  const { token } = (await call(`${api}/tokens`, 'POST', { name: 'bench', role: 'operator' })) as {
    token: string
  }
  let enabled = true
  const path = '/api/v1/environments/bench/flags'
  return {
    title: `${figure(flags)} flags`,
    workerd,
    next: {
      command: () => {
        enabled = !enabled
        return { method: 'POST', path: `${path}/${TOGGLED}/toggle`, token, body: `{"enabled":${enabled}}` }
      },
      query: () => ({ method: 'GET', path: `${path}/${ASKED}`, token }),
    },
    samples: new Map(),
  }
}

async function start(folder: string, name: string, config: string): Promise<Workerd> {
  const configFile = join(folder, `${name}.capnp`)
  writeFileSync(configFile, config)
  const workerd = await startWorkerd({ configFile, sockets: ['admin'] })
  undo.push(() => workerd.stop())
  return workerd
}

function newFolder(folder: string, name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}

async function call(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${BOOTSTRAP}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`[bench] ${method} ${url} was answered ${response.status} ${text}`)
  return JSON.parse(text)
}

/** Everybody in turn, there in one round and back in the next, so that what changes with time falls on all of them. */
async function round(all: readonly Contestant[]): Promise<void> {
  for (const one of all)
    for (const act of ACTS)
      for (const clients of [1, many])
        samplesOf(one, act, clients).push(await turn(one, act, clients, seconds))
}

async function turn(
  { workerd, next }: Contestant,
  act: Act,
  clients: number,
  forSeconds: number,
): Promise<Sample> {
  const before = cpuMicroseconds(workerd.pid)
  const found = await load(workerd.ports.admin!, clients, forSeconds, next[act])
  return { ...found, cpuPerRequest: (cpuMicroseconds(workerd.pid) - before) / found.requests }
}

function samplesOf({ samples }: Contestant, act: Act, clients: number): Sample[] {
  const key = `${act} ${clients}`
  if (!samples.has(key)) samples.set(key, [])
  return samples.get(key)!
}

function valuesOf(one: Contestant, act: Act, clients: number, what: keyof Sample): number[] {
  return samplesOf(one, act, clients).map((sample) => sample[what])
}

function print(all: readonly Contestant[]): void {
  console.log(`One environment's object on workerd, HTTP with a token: median of ${rounds} rounds, ${seconds} s a figure in each
  a command toggles one flag (version, audit entry, snapshot), a query reads one; floor: a Worker and a Durable Object
  that write one number, or read one from memory
  ${about}
`)
  const columns = ['perSecond', 'meanMs', 'p95Ms', 'cpuPerRequest'] as const
  for (const act of ACTS) {
    const rows = all.flatMap((one) =>
      [1, many].map((clients) => [
        `${one.title}, ${clients === 1 ? 'one client' : `${clients} clients`}`,
        ...columns.map((what) => figure(median(valuesOf(one, act, clients, what)))),
      ]),
    )
    const { title, perSecond, meanMs } = CUSTOMER[act]
    console.log(table([[title, `${title}/s`, 'mean ms', 'P95 ms', 'CPU µs each'], ...rows]))
    console.log(`  the customer's figures: ${perSecond} ${title}/s, mean ${meanMs} ms\n`)
  }
}

/** Throughput with many clients and the mean time of one, each against the customer's figure, or twice the floor if that is easier. */
function goals(act: Act, plane: Contestant, floor: Contestant): Goal[] {
  const { title, perSecond, meanMs } = CUSTOMER[act]
  const wanted = valuesOf(floor, act, many, 'perSecond').map((rate) =>
    Math.min(perSecond, rate / MOST_TIMES_FLOOR),
  )
  const allowed = valuesOf(floor, act, 1, 'meanMs').map((time) => Math.max(meanMs, time * MOST_TIMES_FLOOR))
  return [
    {
      name: `${title}/s, ${many} clients / ${perSecond}, or half the floor`,
      ratio: ratio(valuesOf(plane, act, many, 'perSecond'), wanted),
      atLeast: 1,
    },
    {
      name: `${title}, mean of one client / ${meanMs} ms, or twice the floor`,
      ratio: ratio(valuesOf(plane, act, 1, 'meanMs'), allowed),
      atMost: 1,
    },
    {
      name: `floor / ${title}/s, ${many} clients`,
      ratio: ratio(valuesOf(floor, act, many, 'perSecond'), valuesOf(plane, act, many, 'perSecond')),
    },
  ]
}
