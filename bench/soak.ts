/**
 * `npm run bench:soak`: whether the edge's memory stays flat. Requests with bodies of 1 MB stream through it in both directions,
 * clients leave half-way, an origin hangs until it is left; then nothing happens for a while, and nothing may be left of it:
 * no memory, no connection, no timer that still works. `--check` fails where it is not so; `--requests=N` (default 20 000),
 * `--kilobytes=N` (default 1 024) a body, `--clients=N` (default 16) at a time. Linux.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { compile, encodeSnapshot, type FlagDocument } from '../engine/index.ts'
import { build } from '../local/build.ts'
import { startWorkerd, type Workerd } from '../local/workerd.ts'
import { CONTROL_WORKER, edgeConfig } from './edge/config.ts'
import { cpuMicroseconds } from './edge/cpu.ts'
import { conditions, figure, finish, type Goal, option, progress, table } from './report.ts'
import { type Counts, KINDS, kindOf, leave, SHARES, visit } from './soak/clients.ts'
import { openFiles, residentBytes } from './soak/process.ts'
import { median } from './statistics.ts'

const ENVIRONMENT = 'soak'
/** After which a hanging origin is left. */
const TIMEOUT_MS = 250
/** A twelfth of all requests is one line of the table; from the second third on nothing may grow. */
const STEPS = 12
const MOST_GROWTH = 1.1
/** Longer than any timer, and than an idle connection is kept. */
const QUIET_MS = 8_000
/** Of one core, in the last quarter of the quiet. */
const MOST_IDLE_CPU = 0.02

const requests = option('requests', 20_000)
const bytes = 1_024 * option('kilobytes', 1_024)
const clients = option('clients', 16)
const undo: (() => unknown)[] = []
const { edge } = await build((line) => console.error(`turnout: ${line}`))
const about = conditions()

interface Step {
  readonly requests: number
  readonly gigabytes: number
  readonly residentMb: number
  readonly files: number
}

try {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-bench-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const origin = await startOrigin()
  const workerd = await startEdge(folder, origin.url)
  const counts: Counts = { bytes: 0, answers: new Map() }
  await visit(workerd.ports.http!, 'takes', bytes, counts)
  const before = stepOf(0, workerd, counts)
  const startedMs = performance.now()
  const steps = await load(workerd, counts)
  leave()
  const seconds = (performance.now() - startedMs) / 1_000
  progress('nothing happens any more')
  const idle = await quiet(workerd)
  progress('')
  print([before, ...steps], stepOf(requests, workerd, counts), seconds, counts)
  finish(goals(before, steps, idle, await origin.connections(), workerd))
} finally {
  for (const step of undo.toReversed()) await step()
}

async function startOrigin(): Promise<{ url: string; connections(): Promise<number> }> {
  const script = join(import.meta.dirname, 'soak', 'origin.ts')
  const child = fork(script, [String(bytes)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  undo.push(() => child.kill())
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    url: `http://127.0.0.1:${port}`,
    async connections() {
      const answer = once(child, 'message')
      child.send('connections')
      const [{ connections }] = (await answer) as [{ connections: number }]
      return connections
    },
  }
}

/** No breaker on what hangs: it would be left alone after five. */
function documentOf(origin: string): FlagDocument {
  const route = (id: string, canary: string, more: object) => ({
    ...{ id, match: { path: `/${id}` }, flag: 'arm', fallback: 'stable', timeoutMs: TIMEOUT_MS, ...more },
    origins: { canary: { url: canary }, stable: { url: origin } },
  })
  return {
    flags: {
      arm: { enabled: true, variants: { canary: 1, stable: 2 }, off: 'stable', fallthrough: 'canary' },
    },
    routes: [
      route('well', origin, { timeoutMs: 60_000, deadlineMs: 60_000 }),
      route('hang', `${origin}/hang`, {
        breaker: false,
        deadlineMs: 60_000,
        rewrite: { stripPrefix: '/hang' },
      }),
    ],
  }
}

async function startEdge(folder: string, origin: string): Promise<Workerd> {
  const compiled = compile(documentOf(origin), {
    ...{ environment: ENVIRONMENT, epoch: 1, version: 1, allowPrivateOrigins: true },
  })
  if (!compiled.ok) throw new Error(`[bench] ${compiled.error[0]?.path}: ${compiled.error[0]?.message}`)
  writeFileSync(join(folder, 'control.js'), CONTROL_WORKER)
  writeFileSync(join(folder, 'snapshot'), encodeSnapshot(compiled.value.snapshot))
  const files = {
    bundle: relative(folder, edge.file),
    control: 'control.js',
    snapshot: 'snapshot',
    signs: false,
  }
  const configFile = join(folder, 'edge.capnp')
  writeFileSync(configFile, edgeConfig(files, ENVIRONMENT, edge.compatibilityFlags))
  const workerd = await startWorkerd({ configFile, sockets: ['http'] })
  undo.push(() => workerd.stop())
  return workerd
}

function stepOf(done: number, { pid }: Workerd, counts: Counts): Step {
  return {
    requests: done,
    gigabytes: counts.bytes / 1e9,
    residentMb: residentBytes(pid) / 1e6,
    files: openFiles(pid),
  }
}

async function load(workerd: Workerd, counts: Counts): Promise<Step[]> {
  const steps: Step[] = []
  let begun = 0
  let done = 0
  const client = async (): Promise<void> => {
    while (begun < requests) {
      begun += 1
      await visit(workerd.ports.http!, kindOf(begun), bytes, counts)
      done += 1
      if (done % Math.ceil(requests / STEPS) !== 0 && done !== requests) continue
      steps.push(stepOf(done, workerd, counts))
      progress(`${done} of ${requests} requests`)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return steps
}

/** Share of one core that the process still takes at the end of it. */
async function quiet({ pid }: Workerd): Promise<number> {
  await new Promise((done) => setTimeout(done, 0.75 * QUIET_MS))
  const before = cpuMicroseconds(pid)
  await new Promise((done) => setTimeout(done, 0.25 * QUIET_MS))
  return (cpuMicroseconds(pid) - before) / (250 * QUIET_MS)
}

function print(steps: readonly Step[], after: Step, seconds: number, { answers }: Counts): void {
  const mix = KINDS.map((kind) => `${SHARES[kind]} % ${kind}`).join(', ')
  console.log(`The edge's memory: ${figure(requests)} requests with bodies of ${figure(bytes / 1_024)} KB, ${clients} at a time, ${figure(seconds)} s
  ${mix}
  a hanging origin is left after ${TIMEOUT_MS} ms; JavaScript heap of at most 128 MB
  ${about}
`)
  const row = (title: string, { gigabytes, residentMb, files }: Step) => [
    title,
    ...[gigabytes, residentMb, files].map(figure),
  ]
  console.log(
    table([
      ['requests', 'GB of bodies', 'resident MB', 'open files'],
      ...steps.map((step) => row(figure(step.requests), step)),
      row('and then nothing', after),
    ]),
  )
  console.log(
    `\n${table([['what clients saw', 'times'], ...[...answers].sort().map(([what, times]) => [what, figure(times)])])}`,
  )
}

function goals(
  before: Step,
  steps: readonly Step[],
  idle: number,
  connections: number,
  { pid }: Workerd,
): Goal[] {
  const third = Math.floor(steps.length / 3)
  const resident = (part: readonly Step[]) => median(part.map(({ residentMb }) => residentMb))
  const growth = resident(steps.slice(-third)) / resident(steps.slice(third, -third))
  const once = (value: number) => ({ median: value, min: value, max: value })
  return [
    {
      name: 'resident memory, last third / second third',
      ratio: once(growth),
      atMost: MOST_GROWTH,
    },
    {
      name: 'open files afterwards / before',
      ratio: once(openFiles(pid) / before.files),
      atMost: 1.1,
    },
    { name: 'connections that the origin still holds', ratio: once(connections), atMost: 0 },
    { name: 'share of a core in use afterwards', ratio: once(idle), atMost: MOST_IDLE_CPU },
  ]
}
