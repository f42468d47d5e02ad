/** The two origins as the benchmark steers them: one stays well, the other fails as it is told to. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Mode } from './origin.ts'

export class OriginProcess {
  #child: ChildProcess | null = null
  #port = 0

  static async start(): Promise<OriginProcess> {
    const origin = new OriginProcess()
    await origin.revive()
    return origin
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Begins, or begins again on the same port; well in any case. */
  async revive(): Promise<void> {
    if (this.#child !== null) return this.be('well')
    const script = join(import.meta.dirname, 'origin.ts')
    this.#child = fork(script, [String(this.#port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const [{ port }] = (await once(this.#child, 'message')) as [{ port: number }]
    this.#port = port
  }

  be(mode: Mode): void {
    this.#child?.send(mode)
  }

  /** The process is gone, without a word. */
  kill(): void {
    this.#child?.kill('SIGKILL')
    this.#child = null
  }
}
