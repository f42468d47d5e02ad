/**
 * The state folder: everything that a local run keeps, and that a restart finds again. Files are replaced whole, so that
 * a kill at any moment leaves the old or the new content. Secrets are readable by their owner only.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { OriginPorts } from './options.ts'
import { readIfThere } from './read-file.ts'
import { reason, StartError } from './start-error.ts'

/** Where things lie below the state folder. */
export interface State {
  readonly dir: string
  /** SQLite files of the Durable Objects. */
  readonly storageDir: string
  /** The copies that a cold edge reads when the control plane is out of reach. */
  readonly lastKnownGoodDir: string
  /** The configuration that workerd was last started with. Holds secrets. */
  readonly configFile: string
  /** Who runs on this folder now. */
  readonly runningFile: string
}

/** Creates the folder where it is missing. Throws `StartError` if it cannot be written. */
export function openState(dir: string): State {
  const state = {
    dir,
    storageDir: join(dir, 'storage'),
    lastKnownGoodDir: join(dir, 'last-known-good'),
    configFile: join(dir, 'workerd.capnp'),
    runningFile: join(dir, 'running.json'),
  }
  try {
    for (const folder of [dir, state.storageDir, state.lastKnownGoodDir]) makeFolder(folder)
    replaceFile(join(dir, 'README'), NOTE)
  } catch (error) {
    throw new StartError(
      `TURNOUT_STATE_DIR (${dir}) cannot be written: ${reason(error)}; set it to a folder of your own`,
    )
  }
  return state
}

/** Step by step: `recursive` never returns below a folder that takes no entries, such as /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  mkdirSync(folder, { mode: 0o700 })
}

const NOTE = `State of a local run of Turnout. Delete this folder to begin anew; stop Turnout first.
Holds secrets (admin-token, cookie-key, signing-key, workerd.capnp, *.env): do not share it.
`

/** The secret kept under `name`, generated at the first call: `tn_` and 256 random bits. */
export function secret(state: State, name: 'admin-token' | 'cookie-key' | 'signing-key'): string {
  const file = join(state.dir, name)
  const kept = readIfThere(file)?.trim()
  if (kept) {
    chmodSync(file, 0o600)
    return kept
  }
  const fresh = `tn_${randomBytes(32).toString('base64url')}`
  replaceFile(file, `${fresh}\n`)
  return fresh
}

const ORIGINS_FILE = 'origins.json'

/** The ports that the demo origins had in the last run, which the seeded document names; `null` before the first. */
export function keptOriginPorts(state: State): OriginPorts | null {
  const file = join(state.dir, ORIGINS_FILE)
  const text = readIfThere(file)
  if (text === undefined) return null
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new StartError(`${file} is not JSON (${reason(error)}): delete it`)
  }
}

/** Remembers the ports for the next run. */
export function keepOriginPorts(state: State, ports: OriginPorts): void {
  replaceFile(join(state.dir, ORIGINS_FILE), `${JSON.stringify(ports)}\n`)
}

const ADDRESS_FILE = 'admin-url'

/** Leaves the control plane's address to the command line, which looks for it there. Answers how to take it away again. */
export function leaveAddress(state: State, adminUrl: string): () => void {
  const file = join(state.dir, ADDRESS_FILE)
  replaceFile(file, `${adminUrl}\n`)
  return () => rmSync(file, { force: true })
}

/** Writes a file that only its owner may read, whole or not at all. */
export function replaceFile(file: string, content: string): void {
  const next = `${file}.${process.pid}.next`
  writeFileSync(next, content, { mode: 0o600 })
  renameSync(next, file)
}
