/**
 * Both Workers of `npm run dev`: a `wrangler dev` each, which builds from the sources and reloads at every saved change.
 * They find each other through a registry of their own, keep one storage, and ask nobody outside. Nothing is left
 * running after `stop`, nor after this process has died in any way.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { build, OFFLINE, PROJECT_ROOT } from './build.ts'
import { endGroup, guard } from './process-group.ts'
import { StartError } from './start-error.ts'
import { replaceFile, type State } from './state.ts'
import type { Workers, WorkersRun } from './system.ts'

/** One `wrangler dev`. */
interface Dev {
  /** Resolves when it listens. */
  readonly url: Promise<string>
  /** Resolves with a sentence when it has ended, whoever ended it. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

/** How long wrangler may take to end in order, ms. */
const STOP_MS = 5_000

const WRANGLER = join(PROJECT_ROOT, 'node_modules', 'wrangler', 'wrangler-dist', 'cli.js')

/** A `StartWorkers`. Says on standard output what it builds, and later what the Workers and wrangler say. */
export async function startDev(run: WorkersRun): Promise<Workers> {
  // wrangler never recovers from sources that do not compile at its start; later it waits until they do.
  await build(console.log, run.signal)
  run.signal.throwIfAborted()
  const local = 'LOCAL=true'
  const started = [
    start(run, 'edge', 'wrangler.toml', run.edgePort, [
      local,
      `COOKIE_KEY=${run.cookieKey}`,
      `SIGNING_KEY=${run.signingKey}`,
    ]),
    start(run, 'admin', 'admin/wrangler.toml', run.adminPort, [
      local,
      `ADMIN_BOOTSTRAP_TOKEN=${run.adminToken}`,
      'API_REQUESTS_PER_SECOND=0',
      ...Object.entries(run.store).map(([name, value]) => `${name}=${value}`),
    ]),
  ]
  const ended = Promise.race(started.map((worker) => worker.ended))
  const stop = async () => {
    await Promise.all(started.map((worker) => worker.stop()))
  }
  const failed = new Promise<never>((_, fail) => {
    void ended.then((how) => fail(new StartError(how)))
    run.signal.addEventListener('abort', () => fail(run.signal.reason), { once: true })
  })
  try {
    const urls = Promise.all(started.map((worker) => worker.url))
    const [edgeUrl, adminUrl] = await Promise.race([urls, failed])
    return { edgeUrl: edgeUrl!, adminUrl: adminUrl!, ended, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function start(
  run: WorkersRun,
  name: 'edge' | 'admin',
  config: string,
  port: number,
  variables: readonly string[],
): Dev {
  // A file, because everybody on the machine can read a command line.
  const variablesFile = join(run.state.dir, `${name}.env`)
  replaceFile(variablesFile, `${variables.join('\n')}\n`)
  const args = flags(config, port, variablesFile, run.state)
  // Its own process group: a Ctrl-C in the terminal reaches this process alone, which then ends wrangler in order.
  const child = spawn(process.execPath, ['--no-warnings', WRANGLER, 'dev', ...args], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
    env: { ...process.env, ...OFFLINE, ...ALONE, WRANGLER_REGISTRY_PATH: join(run.state.dir, 'registry') },
  })
  const ended = new Promise<string>((done) => {
    const say = (how: string) => done(`wrangler dev of ${config} ended by itself (${how})`)
    child.on('exit', (code, signal) => {
      // wrangler ends its own processes, unless it was killed itself.
      endGroup(child.pid)
      say(signal ?? `exit code ${code}`)
    })
    child.on('error', (error) => say(error.message))
  })
  if (child.pid !== undefined) {
    run.onSpawn(child.pid)
    const release = guard(child.pid)
    void ended.then(release)
  }
  const url = new Promise<string>((done) => {
    child.on('message', (message) => {
      const { event, port } = JSON.parse(String(message))
      if (event === 'DEV_SERVER_READY') done(`http://127.0.0.1:${port}`)
    })
  })
  let isListening = false
  void url.then(() => {
    isListening = true
  })
  relay(name, child.stderr!, process.stderr, () => true)
  relay(name, child.stdout!, process.stdout, (line) => isListening && isNews(line))
  return { url, ended, stop: () => stop(child, ended) }
}

/** Nothing beside the Worker answers on its port, nor reads what it stores. */
const ALONE = { X_LOCAL_EXPLORER: 'false', X_LOCAL_OBSERVABILITY: 'false' }

const flags = (config: string, port: number, variablesFile: string, state: State): string[] => [
  ...['--config', config, '--env-file', variablesFile],
  ...['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
  ...['--persist-to', state.storageDir, '--show-interactive-dev-session=false'],
]

/** Passes lines on, marked with the Worker's name. */
function relay(
  name: string,
  from: Readable,
  to: NodeJS.WritableStream,
  isWanted: (line: string) => boolean,
): void {
  createInterface({ input: from }).on('line', (line) => {
    if (line.trim() !== '' && isWanted(line)) to.write(`${name.padEnd(5)} | ${line}\n`)
  })
}

/** Not what its start says, nor the table of bindings, which it repeats whenever the other Worker comes or goes. */
const isNews = (line: string): boolean => !NO_NEWS.test(line)
const NO_NEWS =
  /^(⎔ (Starting local|Connection status)|\[wrangler:info\] Ready on|Your Worker has|Binding {2,}|env\.\w+ \(|Service bindings, )/

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => endGroup(child.pid), STOP_MS)
  await ended
  clearTimeout(timer)
}
