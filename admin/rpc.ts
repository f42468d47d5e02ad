/**
 * What the edge reads. Its environment is fixed by the binding (`props = { environment = "…" }`), so an edge cannot ask
 * for another.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { ControlRpc as Control, Known, Result, Update } from '../engine/index.ts'
import type { Env } from './env.ts'
import type { Failure } from './failure.ts'
import { callEnvironment } from './stubs.ts'

export class ControlRpc extends WorkerEntrypoint<Env, { environment?: string }> implements Control {
  async read(known: Known): Promise<Update> {
    return this.#settle(await callEnvironment(this.env, this.#environment(), (stub) => stub.read(known)))
  }

  async snapshot(epoch: number, version: number): Promise<string> {
    return this.#settle(
      await callEnvironment(this.env, this.#environment(), (stub) => stub.snapshot(epoch, version)),
    )
  }

  #environment(): string {
    const { environment } = this.ctx.props ?? {}
    if (typeof environment !== 'string' || environment === '')
      throw new Error('the CONTROL binding must name its environment: props = { environment = "…" }')
    return environment
  }

  #settle<T>(answer: Result<T, Failure>): T {
    if (answer.ok) return answer.value
    const { error } = answer
    if (error.reason === 'environment-unknown')
      throw new Error(`there is no environment "${this.#environment()}"`)
    throw new Error(error.reason === 'unknown' ? `${error.what} ${error.key} is not kept` : error.reason)
  }
}
