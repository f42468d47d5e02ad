/** CPU time of another process, to the microsecond, while it runs. Linux only. */
import { readdirSync, readFileSync } from 'node:fs'

/** Time that all present threads have spent on a CPU so far, in microseconds. Source: kernel documentation, sched-stats. */
export function cpuMicroseconds(pid: number): number {
  if (process.platform !== 'linux')
    throw new Error('the CPU time of another process can be read on Linux only')
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  return nanoseconds / 1_000
}
