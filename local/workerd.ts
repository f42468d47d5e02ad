/**
 * Runs workerd itself, the native binary: no Worker is reachable before `ready`, and nothing is left running after `stop`,
 * nor after this process has died in any way.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { guard } from './process-group.ts'
import { StartError } from './start-error.ts'

export interface Workerd {
  readonly pid: number
  /** Port of each socket of the configuration, by name. */
  readonly ports: Readonly<Record<string, number>>
  /** How it ended, whoever ended it, e.g. `exit code 1` or `SIGKILL`. */
  readonly ended: Promise<string>
  /** Ends it; open connections get a moment to finish. Resolves when it is gone. */
  stop(): Promise<void>
}

export interface WorkerdRun {
  readonly configFile: string
  /** Where relative paths in it start; default: where this process was started. */
  readonly cwd?: string
  /** Names of the configuration's sockets: it is ready when all of them listen. */
  readonly sockets: readonly string[]
  /** Told the process id at once, before the process is ready. */
  readonly onSpawn?: (pid: number) => void
}

/** How long open connections may hold up the end. */
const DRAIN_MS = 1_000

/** Path of the binary for this platform. */
export const binary = (): string => createRequire(import.meta.url)('workerd').default

/** Starts it. Throws `StartError` with its own words if it cannot start. */
export async function startWorkerd(run: WorkerdRun): Promise<Workerd> {
  // Its own process group: a Ctrl-C in the terminal reaches this process alone, which then ends workerd in order.
  const child = spawn(binary(), ['serve', '--control-fd=3', run.configFile, 'config'], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    cwd: run.cwd,
    detached: true,
  })
  const ended = new Promise<string>((done) => {
    child.on('exit', (code, signal) => done(signal ?? `exit code ${code}`))
    child.on('error', (error) => done(error.message))
  })
  const closed = new Promise((done) => child.on('close', done))
  if (child.pid === undefined) throw new StartError(`workerd could not be started: ${await ended}`)
  run.onSpawn?.(child.pid)
  const release = guard(child.pid)
  void ended.then(release)

  // Its words are held back until it is ready: a failed start tells them in its error.
  const words: string[] = []
  let say: (line: string) => void = (line) => words.push(line)
  createInterface({ input: child.stderr! }).on('line', (line) => isForPeople(line) && say(line))
  child.stdout!.pipe(process.stdout, { end: false })
  const ports = await Promise.race([listening(child, run.sockets), ended])
  if (typeof ports === 'string') {
    await closed
    const said =
      words.join('\n').trim() ||
      'it said nothing; if its program is damaged, delete node_modules and run the command again'
    throw new StartError(`workerd ended at its start (${ports}): ${said}${adviceFor(said)}`)
  }
  say = (line) => console.error(line)
  words.forEach(say)
  return { pid: child.pid, ports, ended, stop: () => stop(child, ended) }
}

/** The only files of SQLite that it opens before it is ready, one for each kind of object. */
const adviceFor = (said: string): string =>
  /\bSQLITE_(?:NOTADB|CORRUPT)\b/.test(said)
    ? '\nA file metadata.sqlite below storage/ is damaged. They only hold when to wake which object: delete all of that name and start again (docs/operations.md, "When the storage fails")'
    : ''

/** NOSENTRY marks what workerd's makers log for themselves, such as an alarm that was set anew while it went off. */
const isForPeople = (line: string) => !line.includes(' NOSENTRY ')

/** workerd reports each socket on descriptor 3, one line of JSON each. */
async function listening(child: ChildProcess, sockets: readonly string[]): Promise<Record<string, number>> {
  const ports: Record<string, number> = {}
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const { event, socket, port } = JSON.parse(line)
    if (event === 'listen') ports[socket] = port
    if (sockets.every((name) => name in ports)) return ports
  }
  return new Promise(() => {}) // it has closed the descriptor: `ended` tells why
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGTERM')
  // It waits for the last open connection, a WebSocket or an event stream perhaps. Its storage survives a kill.
  const timer = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS)
  await ended
  clearTimeout(timer)
}
