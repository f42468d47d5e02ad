/** Process groups: everything that a program has started is ended with it, nor does it outlive this process, however that dies. */
import { spawn } from 'node:child_process'

/** Kills all of the group that `pid` leads. `undefined`: it never came to be. */
export function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // ESRCH: all of them have ended
  }
}

/**
 * A shell that waits for the end of its input, which comes when this process has died, however it died, and then kills
 * the process group that `pid` leads. A line of input dismisses it: what is returned sends one.
 */
export function guard(pid: number): () => void {
  const shell = spawn('sh', ['-c', 'read -r line || kill -9 "-$1"', 'turnout-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  shell.unref()
  shell.on('error', (error) => console.error(`turnout: process ${pid} is not guarded: ${error.message}`))
  shell.stdin.on('error', () => {}) // somebody has ended the shell itself
  return () => shell.stdin.end('done\n')
}
