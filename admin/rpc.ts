/**
 * What the edge reads and reports. Its environment is fixed by the binding (`props = { environment = "…" }`), so an edge cannot ask
 * for another.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { ControlRpc as Control, Known, MetricBatch, Recorded, Result, Update } from '../engine/index.ts'
import { checkBatch } from './batch.ts'
import type { Env } from './env.ts'
import type { Failure } from './failure.ts'
import { callEnvironment, callMetrics } from './stubs.ts'

export class ControlRpc extends WorkerEntrypoint<Env, { environment?: string }> implements Control {
  async read(known: Known): Promise<Update> {
    return this.#settle(await callEnvironment(this.env, this.#environment(), (stub) => stub.read(known)))
  }

  async snapshot(epoch: number, version: number): Promise<string> {
    return this.#settle(
      await callEnvironment(this.env, this.#environment(), (stub) => stub.snapshot(epoch, version)),
    )
  }

  async record(batch: MetricBatch): Promise<Recorded> {
    const environment = this.#environment()
    const checked = checkBatch(batch)
    if (!checked.ok) throw new Error(`environment "${environment}": ${checked.error}`)
    const { flushMs, broken } = await callMetrics(this.env, environment, checked.value.location, (stub) =>
      stub.record(environment, checked.value),
    )
    return broken === undefined ? { flushMs } : { flushMs, broken }
  }

  #environment(): string {
    const { environment } = this.ctx.props ?? {}
    if (typeof environment !== 'string' || environment === '')
      throw new Error('the CONTROL binding must name its environment: props = { environment = "…" }')
    return environment
  }

  /** Failures are thrown here: to the edge they mean that there is nothing new, whatever the cause. */
  #settle<T>(answer: Result<T, Failure>): T {
    if (answer.ok) return answer.value
    throw new Error(`environment "${this.#environment()}": ${sentence(answer.error)}`)
  }
}

function sentence(failure: Failure): string {
  switch (failure.reason) {
    case 'environment-unknown':
      return 'does not exist'
    case 'unknown':
      return `${failure.what} ${failure.key} is not kept`
    case 'invalid':
      return failure.errors.map(({ message }) => `${failure.what} ${message}`).join('; ')
    default:
      return failure.reason
  }
}
