/**
 * A whole local run: both Workers, the demo origins, and the seeded environment. `startSystem` resolves when everything
 * answers; whatever it had started is gone again if it throws.
 */
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Options, Variables } from './options.ts'
import { type DemoOrigin, startOrigin } from './origins.ts'
import { acquire } from './running.ts'
import { type Seeded, seed } from './seed.ts'
import { reason, StartError } from './start-error.ts'
import { keepOriginPorts, keptOriginPorts, leaveAddress, openState, type State, secret } from './state.ts'

export interface System {
  readonly edgeUrl: string
  readonly adminUrl: string
  readonly origins: { readonly stable: DemoOrigin; readonly canary: DemoOrigin }
  readonly adminToken: string
  readonly stateDir: string
  readonly seeded: Seeded
  /** Where flags live, if not in the state folder: `ssm /turnout/dev in eu-west-1`. */
  readonly flagsIn: string | null
  /** Resolves, with a sentence, when a Worker's process has ended. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

/** Starts both Workers in whatever way: bundles.ts, dev.ts. Throws `StartError`, and then leaves nothing running. */
export type StartWorkers = (run: WorkersRun) => Promise<Workers>

export interface WorkersRun {
  /** On 127.0.0.1; 0 lets the system choose. */
  readonly edgePort: number
  readonly adminPort: number
  readonly state: State
  readonly adminToken: string
  readonly cookieKey: string
  readonly signingKey: string
  /** Settings and secrets of the control plane that say where documents live. */
  readonly store: Variables
  /** Told the leader of each new process group at once. */
  readonly onSpawn: (pid: number) => void
  readonly signal: AbortSignal
}

/** Both Workers, listening. */
export interface Workers {
  readonly edgeUrl: string
  readonly adminUrl: string
  /** Resolves, with a sentence, when one of their processes has ended, whoever ended it. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

/** How long the Workers may take to answer for the first time. */
const START_TIMEOUT_MS = 30_000

/** Starts everything, the Workers by `startWorkers`. Throws `StartError` for what the user can mend. */
export async function startSystem(
  options: Options,
  startWorkers: StartWorkers,
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

    const formerPorts = keptOriginPorts(state)
    const origin = async (side: 'stable' | 'canary') => {
      const started = await startOrigin(side, [formerPorts?.[side] ?? options.originPorts[side]])
      undo.push(() => started.stop())
      return started
    }
    const origins = { stable: await origin('stable'), canary: await origin('canary') }
    const ports = { stable: origins.stable.port, canary: origins.canary.port }

    const adminToken = options.adminToken ?? secret(state, 'admin-token')
    const workers = await startWorkers({
      edgePort: options.edgePort,
      adminPort: options.adminPort,
      state,
      adminToken,
      cookieKey: secret(state, 'cookie-key'),
      signingKey: secret(state, 'signing-key'),
      store: options.store,
      onSpawn: (pid) => running.note(pid),
      signal,
    })
    undo.push(() => workers.stop())

    const { edgeUrl, adminUrl, ended } = workers
    await answers(workers, `${adminUrl}/health/live`, signal)
    undo.push(leaveAddress(state, adminUrl))
    const { seeded, flagsIn } = await seed({
      ...{ adminUrl, adminToken, ports, formerPorts, signal },
      storageDir: state.storageDir,
    })
    keepOriginPorts(state, ports)
    await answers(workers, `${edgeUrl}/.turnout/health/ready`, signal)
    return { edgeUrl, adminUrl, origins, adminToken, stateDir: state.dir, seeded, flagsIn, ended, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The runtime would say so too, but not which variable to change. */
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
async function answers(workers: Workers, url: string, signal: AbortSignal): Promise<void> {
  let last = ''
  let ended: string | null = null
  void workers.ended.then((how) => {
    ended = how
  })
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(20)) {
    signal.throwIfAborted()
    if (ended !== null) throw new StartError(ended)
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
