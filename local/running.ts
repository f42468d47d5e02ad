/**
 * One run at a time on a state folder: two would write the same SQLite files. The record of the run names its processes,
 * so that a run whose main process was killed without a word leaves nothing behind for longer than until the next start.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts'
import { StartError } from './start-error.ts'
import { replaceFile, type State } from './state.ts'

/** Content of running.json. */
interface Run {
  readonly main: ProcessIdentity
  /** The processes that the run started, each the leader of its process group. */
  readonly workers: readonly ProcessIdentity[]
}

export interface Running {
  /** Notes the leader of a process group, so that the next start can stop the group if this process cannot. */
  note(pid: number): void
  /** The folder is free again. */
  release(): void
}

/** How long a killed process may take to disappear. */
const KILL_TIMEOUT_MS = 5_000

/** Takes the state folder. Throws `StartError` while another run holds it; ends what a dead run left behind. */
export async function acquire(state: State): Promise<Running> {
  const main = identify(process.pid)
  if (main === null) throw new Error('[local/running] this process has no identity')
  let run: Run = { main, workers: [] }
  while (!create(state.runningFile, run)) {
    const text = readText(state.runningFile)
    const other = parse(text)
    if (other !== null && isAlive(other.main))
      throw new StartError(
        `Turnout already runs on ${state.dir} (process ${other.main.pid}): stop it, or set TURNOUT_STATE_DIR to another folder`,
      )
    for (const worker of other?.workers ?? []) await end(worker)
    remove(state.runningFile, text)
  }
  return {
    note(pid) {
      const worker = identify(pid)
      if (worker === null) return // already gone; its exit is reported elsewhere
      run = { ...run, workers: [...run.workers, worker] }
      replaceFile(state.runningFile, `${JSON.stringify(run)}\n`)
    },
    release() {
      if (parse(readText(state.runningFile))?.main.pid === main.pid)
        rmSync(state.runningFile, { force: true })
    },
  }
}

/** Whether the file did not exist and now holds our run: put there whole, so that nobody reads half of it and takes it for nobody's. */
function create(file: string, run: Run): boolean {
  const mine = `${file}.${process.pid}.new`
  writeFileSync(mine, `${JSON.stringify(run)}\n`, { mode: 0o600 })
  try {
    linkSync(mine, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(mine, { force: true })
  }
}

/**
 * Removes the record that was judged, and no other: of several starts that found the same dead run, one may have put its own in
 * that place meanwhile.
 */
function remove(file: string, judged: string | null): void {
  const aside = `${file}.${process.pid}.old`
  try {
    renameSync(file, aside)
    if (readText(aside) !== judged) linkSync(aside, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Somebody else has removed it, or has taken the place already.
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

/** `null`: there is none. */
function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** `null`: no run, or a record that an earlier Turnout could not finish. */
function parse(text: string | null): Run | null {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return null
  }
}

/** Ends the whole group. Storage survives a kill at any moment, and an orphan has nobody left to wait for. */
async function end(worker: ProcessIdentity): Promise<void> {
  if (!isAlive(worker)) return
  process.kill(-worker.pid, 'SIGKILL')
  for (const deadline = Date.now() + KILL_TIMEOUT_MS; isAlive(worker); await sleep(10))
    if (Date.now() > deadline)
      throw new StartError(
        `process ${worker.pid}, left by an earlier run, could not be stopped: end it by hand`,
      )
}
