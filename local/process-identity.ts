/**
 * Tells one process from a later one with the same id: the id alone may have been handed on. A dead process, and one that
 * has ended but was not yet collected by its parent, has no identity.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in the system's own form: comparable, not readable. */
  readonly started: string
}

/** The identity of a living process, or `null`. */
export function identify(pid: number): ProcessIdentity | null {
  const started = existsSync('/proc/self/stat') ? startedFromProc(pid) : startedFromPs(pid)
  return started === null ? null : { pid, started }
}

/** Whether that very process is still alive. */
export const isAlive = (process: ProcessIdentity): boolean =>
  identify(process.pid)?.started === process.started

/** Linux: the 22nd field of /proc/PID/stat is the start in ticks since boot, the third the state. */
function startedFromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, the name in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`
  } catch {
    return null // no such process
  }
}

function startedFromPs(pid: number): string | null {
  const { stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' })
  const [, state, started] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout ?? '') ?? []
  return state === undefined || started === undefined || state.startsWith('Z') ? null : started
}
