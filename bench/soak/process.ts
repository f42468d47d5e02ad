/** What another process holds, while it runs. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** Memory that it has in use, in bytes: resident, whatever it is for. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kilobytes === undefined) throw new Error(`[bench] process ${pid} does not say how much memory it has`)
  return 1_024 * Number(kilobytes)
}

/** Files and connections that it has open. */
export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length
