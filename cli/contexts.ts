/**
 * Control planes that were logged in to, each under a name, in the user's own folder: address, token, and the environment
 * that is meant where none is named. The file is for its owner's eyes only, and is refused if others may read it.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure } from './failure.ts'

export interface Context {
  readonly url: string
  readonly token: string
  readonly environment?: string
}

export interface Contexts {
  /** Name of the one that is meant where none is named. */
  readonly current: string | null
  readonly contexts: Readonly<Record<string, Context>>
}

const NONE: Contexts = { current: null, contexts: {} }

export const contextsFile = (configHome: string): string => join(configHome, 'turnout', 'contexts.json')

/** Throws `Failure`. */
export function readContexts(configHome: string): Contexts {
  const file = contextsFile(configHome)
  let text: string
  try {
    if (isOpenToOthers(statSync(file).mode))
      throw new Failure(`${file} holds tokens and others may read it: run chmod 600 ${file}`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return NONE
    throw error instanceof Failure
      ? error
      : new Failure(`${file} cannot be read: ${message}`, [], { cause: error })
  }
  const contexts = contextsIn(text)
  if (contexts === null)
    throw new Failure(`${file} is not what turnout login writes: remove it and log in again`)
  return contexts
}

/** Written beside and renamed, so that no reader and no crash ever meets half a file. Throws `Failure`. */
export function writeContexts(configHome: string, contexts: Contexts): void {
  const file = contextsFile(configHome)
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    const next = `${file}.${process.pid}`
    writeFileSync(next, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 })
    renameSync(next, file)
  } catch (error) {
    throw new Failure(`${file} cannot be written: ${(error as Error).message}`, [], { cause: error })
  }
}

/** On Windows the user's folder is private by itself, and modes say nothing. */
const isOpenToOthers = (mode: number): boolean => process.platform !== 'win32' && (mode & 0o077) !== 0

function contextsIn(text: string): Contexts | null {
  let value: Partial<Contexts> | null
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value?.contexts !== 'object' || value.contexts === null) return null
  const whole = Object.values(value.contexts).every(
    (context) => typeof context?.url === 'string' && typeof context.token === 'string',
  )
  return whole ? { current: value.current ?? null, contexts: value.contexts } : null
}
