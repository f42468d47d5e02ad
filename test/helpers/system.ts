/** Whole systems for tests: `npm start` as a child process, and edge and control plane as two processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ASSETS_DIR } from '../../local/assets.ts'
import { type Built, build, PROJECT_ROOT } from '../../local/build.ts'
import { isAlive, type ProcessIdentity } from '../../local/process-identity.ts'
import { startWorkerd, type Workerd } from '../../local/workerd.ts'
import { workerdConfig } from '../../local/workerd-config.ts'
import { makeTemporaryFolder, removeFolder } from './temporary-folder.ts'

/** The system in one piece, as `npm start` runs it. */
export interface LocalRun {
  readonly edgeUrl: string
  readonly adminUrl: string
  readonly adminToken: string
  readonly stateDir: string
  readonly process: ChildProcess
  /** Everything that it has printed. */
  output(): string
  /** Its main process and its workerd. */
  processes(): ProcessIdentity[]
  /** Resolves with the exit code, or the signal's name, when the main process has ended. */
  readonly ended: Promise<number | string>
  /** Ends it as Ctrl-C does, or by another signal. */
  stop(signal?: NodeJS.Signals): Promise<number | string>
}

export interface StartOptions {
  /** A folder of an earlier run; default: a new one, removed by `stopAll`. */
  readonly stateDir?: string
  readonly env?: Record<string, string>
  /** What is run, in the project's folder; default: local/start.mjs on this Node. */
  readonly command?: readonly [string, ...string[]]
}

const started = new Set<ChildProcess>()
const workers = new Set<Workerd>()
const folders = new Set<string>()

/** A new state folder, removed by `stopAll`. */
export function newStateDir(): string {
  const folder = makeTemporaryFolder()
  folders.add(folder)
  return folder
}

/** Runs local/start.mjs on free ports; resolves when it says that everything runs. */
export async function startLocalRun(options: StartOptions = {}): Promise<LocalRun> {
  const run = launch(options)
  const url = async (name: string) => {
    const found = new RegExp(`^ {2}${name} +(http://\\S+)`, 'm').exec(run.output())?.[1]
    if (found === undefined) throw new Error(`no ${name} in the output:\n${run.output()}`)
    return found
  }
  const end = await Promise.race([run.says('kill it'), run.ended])
  if (end !== undefined) throw new Error(`npm start ended (${end}):\n${run.output()}`)
  return {
    ...run,
    edgeUrl: await url('edge'),
    adminUrl: await url('control plane'),
    adminToken: /admin token +(\S+)/.exec(run.output())?.[1] ?? '',
  }
}

/** The same, for runs that are not expected to get so far. */
export function launch({
  stateDir = newStateDir(),
  env = {},
  command: [program, ...args] = [process.execPath, 'local/start.mjs'],
}: StartOptions = {}): Omit<LocalRun, 'edgeUrl' | 'adminUrl' | 'adminToken'> & {
  says(text: string): Promise<void>
} {
  const ports = {
    TURNOUT_EDGE_PORT: '0',
    TURNOUT_ADMIN_PORT: '0',
    TURNOUT_STABLE_PORT: '0',
    TURNOUT_CANARY_PORT: '0',
  }
  // A process group of its own, as a terminal makes one: a signal to the group is what Ctrl-C is.
  const child = spawn(program, args, {
    cwd: PROJECT_ROOT,
    env: { ...process.env, TURNOUT_ADMIN_TOKEN: '', ...ports, TURNOUT_STATE_DIR: stateDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  started.add(child)
  const ended = new Promise<number | string>((done) =>
    child.on('close', (code, signal) => {
      started.delete(child)
      done(signal ?? code ?? 'unknown')
    }),
  )
  let output = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => {
      output += chunk
    })
  return {
    stateDir,
    process: child,
    output: () => output,
    processes: () => processesOf(stateDir),
    ended,
    async stop(signal = 'SIGINT') {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, signal)
      return ended
    },
    async says(text) {
      while (!output.includes(text))
        await Promise.race([once(child.stdout!, 'data'), once(child.stderr!, 'data')])
    },
  }
}

/** What the run's own record names. */
function processesOf(stateDir: string): ProcessIdentity[] {
  const { main, workers } = JSON.parse(readFileSync(join(stateDir, 'running.json'), 'utf8'))
  return [main, ...workers]
}

/** Command lines of every living process that mentions a text, e.g. a state folder. Empty where there is no /proc. */
export function commandsMentioning(text: string): string[] {
  if (!existsSync('/proc')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()]
      } catch {
        return [] // it has ended meanwhile
      }
    })
    .filter((command) => command.includes(text))
}

/** Edge and control plane as two processes, so that one can be gone while the other goes on. */
export interface SplitRun {
  readonly stateDir: string
  readonly edgeUrl: string
  readonly adminUrl: string
  readonly adminToken: string
  /** Kills the control plane, without a word. */
  killAdmin(): Promise<void>
  /** Loses the disk of a control plane that is gone: its storage, and the last-known-good copies. */
  loseDisk(): void
  /** Starts it again, where it was. */
  startAdmin(): Promise<void>
  /** Kills the edge, and starts a cold one. Gives its URL, which is another. */
  restartEdge(): Promise<string>
}

export async function startSplitRun(): Promise<SplitRun> {
  const dir = newStateDir()
  const adminToken = 'token-of-a-split-run'
  const bundles = await build(() => {})
  const bundle = ({ file, ...rest }: Built) => ({ path: relative(dir, file), ...rest })
  const common = { lastKnownGoodDir: dir, maxHeapMb: 128 }
  let ports = { admin: 0, control: 0 }
  const start = async (name: string, sockets: string[], config: string) => {
    writeFileSync(join(dir, name), config)
    const workerd = await startWorkerd({ configFile: join(dir, name), sockets })
    workers.add(workerd)
    return workerd
  }
  const startAdmin = async () => {
    const config = workerdConfig({
      ...common,
      admin: {
        bundle: bundle(bundles.admin),
        address: `127.0.0.1:${ports.admin}`,
        adminToken,
        storageDir: dir,
        assetsDir: ASSETS_DIR,
        control: { address: `127.0.0.1:${ports.control}`, environment: 'dev' },
      },
    })
    const workerd = await start('admin.capnp', ['admin', 'control'], config)
    ports = { admin: workerd.ports.admin!, control: workerd.ports.control! }
    return workerd
  }
  const startEdge = () => {
    const config = workerdConfig({
      ...common,
      edge: {
        bundle: bundle(bundles.edge),
        address: '127.0.0.1:0',
        environment: 'dev',
        cookieKey: 'cookie key of a split run, long enough',
        controlAddress: `127.0.0.1:${ports.control}`,
      },
    })
    return start('edge.capnp', ['edge'], config)
  }
  const kill = async (workerd: Workerd) => {
    process.kill(workerd.pid, 'SIGKILL')
    await workerd.ended
  }
  const urlOf = (workerd: Workerd) => `http://127.0.0.1:${workerd.ports.edge}`
  let admin = await startAdmin()
  let edge = await startEdge()
  return {
    stateDir: dir,
    edgeUrl: urlOf(edge),
    adminUrl: `http://127.0.0.1:${ports.admin}`,
    adminToken,
    killAdmin: () => kill(admin),
    loseDisk() {
      // The configurations are no state: who installs Turnout anew writes them again.
      for (const name of readdirSync(dir).filter((name) => !name.endsWith('.capnp')))
        removeFolder(join(dir, name))
    },
    async startAdmin() {
      admin = await startAdmin()
    },
    async restartEdge() {
      await kill(edge)
      edge = await startEdge()
      return urlOf(edge)
    },
  }
}

/** Ends whatever a test file has started and removes its folders: for `afterAll`. */
export async function stopAll(): Promise<void> {
  for (const child of started) {
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    await closed
  }
  for (const workerd of workers) await workerd.stop()
  workers.clear()
  for (const folder of folders) removeFolder(folder)
  folders.clear()
}

/** Which of the processes are still there. */
export const alive = (processes: readonly ProcessIdentity[]): ProcessIdentity[] => processes.filter(isAlive)
