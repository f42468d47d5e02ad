/**
 * `npm run bench:availability`: what visitors notice of a canary that fails. Stable is well, the canary has 20 % of the visitors,
 * and is killed, hangs, answers half of all requests with 500 or 503, or comes and goes. At the same moments the same requests go
 * to Turnout, to Turnout with health checks, and to nginx with `split_clients` where it is installed. `--check` fails where the
 * goal is missed; `--seconds=N` (default 60) is how long each fault lasts, `--rate=N` (default 100) the requests a second.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BREAKER_DEFAULTS } from '../engine/index.ts'
import { nginxVersion, startNginx } from './availability/nginx.ts'
import { OriginProcess } from './availability/origins.ts'
import { type Asked, type Target, traffic } from './availability/traffic.ts'
import { type System, startSystem } from './propagation/system.ts'
import { conditions, figure, finish, type Goal, option, progress, table } from './report.ts'

const CANARY_PERCENT = 20
const TIMEOUT_MS = 1_000
const HEALTH = { periodMs: 1_000, timeoutMs: 500, failures: 3, successes: 2 }
const HEADER = 'x-user-id'
const PACE = { visitors: 1_000, visitorHeader: HEADER, postEvery: 5 }
const WELL_SECONDS = 5
/** Of a canary that comes and goes. */
const FLAP_MS = 3_000
/** From then on the breaker has seen its whole window; and the share of GETs that may fail then. */
const WINDOW_MS = 1_000 * BREAKER_DEFAULTS.windowSeconds
const MOST_FAILED = 0.001

const seconds = option('seconds', 60)
const perSecond = option('rate', 100)
if (1_000 * seconds <= WINDOW_MS)
  throw new Error(`--seconds must be above ${WINDOW_MS / 1_000}, the breaker's window, got ${seconds}`)
const undo: (() => unknown)[] = []
const about = conditions()

/** What happens to the canary; answers how to end it. */
type Fault = (canary: OriginProcess) => () => void
const nothing = (): void => {}
const FAULTS: Readonly<Record<string, Fault>> = {
  killed: (canary) => {
    canary.kill()
    return nothing
  },
  hanging: (canary) => {
    canary.be('hanging')
    return nothing
  },
  'half-500': (canary) => {
    canary.be('halved')
    return nothing
  },
  'half-503': (canary) => {
    canary.be('unavailable')
    return nothing
  },
  flapping: (canary) => {
    let refuses = false
    const flap = () => {
      refuses = !refuses
      canary.be(refuses ? 'refusing' : 'well')
    }
    flap()
    const timer = setInterval(flap, FLAP_MS)
    return () => clearInterval(timer)
  },
}

interface Row {
  readonly fault: string
  readonly proxy: string
  /** While all was well: what failed then, the machine did. */
  readonly before: readonly Asked[]
  readonly asked: readonly Asked[]
  readonly faultAtMs: number
}

try {
  const folder = mkdtempSync(join(tmpdir(), 'turnout-bench-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const [stable, canary] = [await OriginProcess.start(), await OriginProcess.start()]
  undo.push(
    () => stable.kill(),
    () => canary.kill(),
  )
  const system = await startSystem({ edges: 1, maxHeapMb: 128, document: documentOf(stable.url, canary.url) })
  undo.push(() => system.stop())
  const version = nginxVersion()
  const origins = { stable: stable.url, canary: canary.url, canaryPercent: CANARY_PERCENT }
  const nginx =
    version === null
      ? null
      : await startNginx({ folder, ...origins, visitorHeader: HEADER, timeoutMs: TIMEOUT_MS })
  if (nginx !== null) undo.push(() => nginx.stop())
  const rows: Row[] = []
  for (const [fault, begin] of Object.entries(FAULTS)) {
    progress(`${fault}: ${WELL_SECONDS + seconds} s`)
    rows.push(...(await scenario(fault, begin, canary, targetsOf(fault, system, nginx?.port ?? null))))
  }
  progress('')
  print(rows, version)
} finally {
  for (const step of undo.toReversed()) await step()
}

/** Routes of each fault's own, so that no breaker remembers another fault; with and without health checks. */
function documentOf(stable: string, canary: string) {
  const route = (fault: string, health: object | false) => ({
    ...{ id: `${fault}${health ? '-checked' : ''}`, flag: 'arm', fallback: 'stable', timeoutMs: TIMEOUT_MS },
    match: { path: `/${fault}/${health ? 'checked' : 'plain'}` },
    identity: [{ header: HEADER }],
    origins: { stable: { url: stable }, canary: { url: canary, health } },
  })
  const weights = { canary: CANARY_PERCENT, stable: 100 - CANARY_PERCENT }
  return {
    flags: {
      arm: { enabled: true, variants: { canary: 1, stable: 2 }, off: 'stable', fallthrough: weights },
    },
    routes: Object.keys(FAULTS).flatMap((fault) => [route(fault, false), route(fault, HEALTH)]),
  }
}

function targetsOf(fault: string, { edges }: System, nginx: number | null): Target[] {
  return [
    { proxy: 'Turnout', port: edges[0]!, path: `/${fault}/plain` },
    { proxy: 'Turnout, health checks', port: edges[0]!, path: `/${fault}/checked` },
    ...(nginx === null ? [] : [{ proxy: 'nginx split_clients', port: nginx, path: '/' }]),
  ]
}

/** All is well, then the fault. */
async function scenario(
  fault: string,
  begin: Fault,
  canary: OriginProcess,
  targets: readonly Target[],
): Promise<Row[]> {
  await canary.revive()
  // Long enough for two checks that passed, where the fault before had made it unhealthy.
  const well = await traffic(targets, { ...PACE, perSecond }, WELL_SECONDS)
  const faultAtMs = performance.now()
  const end = begin(canary)
  const asked = await traffic(targets, { ...PACE, perSecond }, seconds)
  end()
  return targets.map(({ proxy }) => {
    const of = (all: readonly Asked[]) => all.filter((one) => one.proxy === proxy)
    return { fault, proxy, faultAtMs, before: of(well), asked: of(asked) }
  })
}

function hasFailed({ status }: Asked): boolean {
  return status === null || status >= 500
}

function failedShare(asked: readonly Asked[]): number {
  return asked.filter(hasFailed).length / asked.length
}

function settled({ asked, faultAtMs }: Row): Asked[] {
  return asked.filter(({ atMs, method }) => method === 'GET' && atMs >= faultAtMs + WINDOW_MS)
}

function p99(asked: readonly Asked[]): number {
  const times = asked.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return times[Math.floor(0.99 * times.length)]!
}

function print(rows: readonly Row[], version: string | null): void {
  const percent = (share: number) => (100 * share).toFixed(2)
  console.log(`What visitors notice of a canary with ${CANARY_PERCENT} % of them that fails for ${seconds} s
  ${perSecond} requests/s on each proxy, one in ${PACE.postEvery} a POST; ${TIMEOUT_MS} ms to headers; breakers at their defaults;
  health checks every ${HEALTH.periodMs} ms, ${HEALTH.failures} failures; nginx ${version ?? 'is not installed: its rows are missing'}
  failed: answered 500 or above, or not at all; before: all was well, and the machine alone failed; settled: from ${WINDOW_MS / 1_000} s after the fault began
  ${about}
`)
  console.log(
    table([
      [
        'fault, proxy',
        'failed before, %',
        'GET failed, %',
        'POST failed, %',
        'GET failed, settled, %',
        'P99 ms',
      ],
      ...rows.map((row) => {
        const of = (method: Asked['method']) => row.asked.filter((one) => one.method === method)
        return [
          `${row.fault}, ${row.proxy}`,
          ...[row.before, of('GET'), of('POST'), settled(row)].map((asked) => percent(failedShare(asked))),
          figure(p99(row.asked)),
        ]
      }),
    ]),
  )
  finish(rows.filter(({ proxy }) => proxy.startsWith('Turnout')).map(goalOf))
}

function goalOf(row: Row): Goal {
  const share = failedShare(settled(row)) / MOST_FAILED
  return {
    name: `${row.fault}, ${row.proxy}: settled GETs that failed / ${100 * MOST_FAILED} %`,
    ratio: { median: share, min: share, max: share },
    atMost: 1,
  }
}
