/**
 * A whole local run: both Workers on workerd, the demo origins, and the seeded environment. `startSystem` resolves when
 * everything answers; whatever it had started is gone again if it throws.
 */
import { createServer } from 'node:net'
import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Built, build } from './build.ts'
import type { Options } from './options.ts'
import { type DemoOrigin, startOrigin } from './origins.ts'
import { acquire } from './running.ts'
import { ENVIRONMENT, type Seeded, seed } from './seed.ts'
import { reason, StartError } from './start-error.ts'
import { keepOriginPorts, keptOriginPorts, openState, replaceFile, type State, secret } from './state.ts'
import { startWorkerd, type Workerd } from './workerd.ts'
import { type Bundle, workerdConfig } from './workerd-config.ts'

export interface System {
  readonly edgeUrl: string
  readonly adminUrl: string
  readonly origins: { readonly stable: DemoOrigin; readonly canary: DemoOrigin }
  readonly adminToken: string
  readonly stateDir: string
  readonly seeded: Seeded
  /** Resolves, with the way it went, when workerd has ended. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

/** How long the Workers may take to answer for the first time. */
const START_TIMEOUT_MS = 30_000
/** Enough for a document of 10 MB; far less than the 1.4 GB that V8 takes by itself under load. */
const MAX_HEAP_MB = 256

/** Starts everything. `report` is told what takes time. Throws `StartError` for what the user can mend. */
export async function startSystem(
  options: Options,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<System> {
  const undo: (() => unknown)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const state = openState(options.stateDir)
    const running = await acquire(state)
    undo.push(() => running.release())
    await requireFree('TURNOUT_EDGE_PORT', options.edgePort)
    await requireFree('TURNOUT_ADMIN_PORT', options.adminPort)
    const bundles = await build(report, signal)

    const formerPorts = keptOriginPorts(state)
    const origin = async (side: 'stable' | 'canary') => {
      const started = await startOrigin(side, [formerPorts?.[side] ?? options.originPorts[side]])
      undo.push(() => started.stop())
      return started
    }
    const origins = { stable: await origin('stable'), canary: await origin('canary') }
    const ports = { stable: origins.stable.port, canary: origins.canary.port }

    const adminToken = options.adminToken ?? secret(state, 'admin-token')
    replaceFile(state.configFile, configOf(options, state, adminToken, bundles))
    const workerd = await startWorkerd({
      configFile: state.configFile,
      sockets: ['edge', 'admin'],
      onSpawn: (pid) => running.note(pid),
    })
    undo.push(() => workerd.stop())

    const url = (socket: string) => `http://127.0.0.1:${workerd.ports[socket]}`
    const [edgeUrl, adminUrl] = [url('edge'), url('admin')]
    await answers(workerd, `${adminUrl}/health/live`, signal)
    const seeded = await seed({ adminUrl, adminToken, ports, formerPorts, signal })
    keepOriginPorts(state, ports)
    await answers(workerd, `${edgeUrl}/.turnout/health/ready`, signal)
    const { ended } = workerd
    return { edgeUrl, adminUrl, origins, adminToken, stateDir: state.dir, seeded, ended, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function configOf(
  options: Options,
  state: State,
  adminToken: string,
  bundles: { edge: Built; admin: Built },
): string {
  const bundle = ({ file, ...compatibility }: Built): Bundle => ({
    path: relative(state.dir, file),
    ...compatibility,
  })
  return workerdConfig({
    edge: {
      bundle: bundle(bundles.edge),
      address: `127.0.0.1:${options.edgePort}`,
      environment: ENVIRONMENT,
      cookieKey: secret(state, 'cookie-key'),
    },
    admin: {
      bundle: bundle(bundles.admin),
      address: `127.0.0.1:${options.adminPort}`,
      adminToken,
      storageDir: state.storageDir,
    },
    lastKnownGoodDir: state.lastKnownGoodDir,
    maxHeapMb: MAX_HEAP_MB,
  })
}

/** workerd would say so too, but not which variable to change. */
function requireFree(variable: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${reason(error)})`
      fail(new StartError(`port ${port} on 127.0.0.1 ${why}: set ${variable} to another port`))
    })
    probe.listen(port, '127.0.0.1', () => probe.close(() => done()))
  })
}

/** Waits for a 200 from a health endpoint. */
async function answers(workerd: Workerd, url: string, signal: AbortSignal): Promise<void> {
  let last = ''
  let ended: string | null = null
  void workerd.ended.then((how) => {
    ended = how
  })
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(20)) {
    signal.throwIfAborted()
    if (ended !== null) throw new StartError(`workerd ended at its start (${ended})`)
    try {
      const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) })
      last = `${response.status} ${(await response.text()).trim()}`
      if (response.ok) return
    } catch (error) {
      last = reason(error)
    }
  }
  throw new StartError(`${url} was not well within ${START_TIMEOUT_MS / 1000} s: ${last}`)
}
