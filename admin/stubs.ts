/**
 * Calls to the Durable Objects. A call that failed for a passing reason is tried again, on a fresh stub, as the platform
 * advises: https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
 *
 * Not so one that would change something a second time: whether the first one arrived nobody knows. (One that surely did
 * not, the platform sends again by itself.)
 */
import type { Env } from './env.ts'
import type { EnvironmentObject } from './objects/environment.ts'
import type { HealthObject } from './objects/health.ts'
import type { IdempotencyObject } from './objects/idempotency.ts'
import type { MetricsObject } from './objects/metrics.ts'
import { PROJECT_NAME, WEBHOOKS_NAME } from './objects/names.ts'
import type { ProjectObject } from './objects/project.ts'
import type { WebhooksObject } from './objects/webhooks.ts'

const ATTEMPTS = 3

/** `once`: of what must not happen twice. */
export type Times = 'again' | 'once'
const BASE_BACKOFF_MS = 50

/** The public methods of an object as its callers see them. */
export type Remote<T> = {
  [Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never]: T[Name] extends (
    ...args: infer Args
  ) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never
}

/** The platform's own type of a stub does not say what a generic method answers. */
const remote = <T extends Rpc.DurableObjectBranded>(objects: DurableObjectNamespace<T>, name: string) =>
  objects.getByName(name) as unknown as Remote<T>

export const callEnvironment = <T>(
  env: Env,
  name: string,
  call: (stub: Remote<EnvironmentObject>) => Promise<T>,
  times: Times = 'again',
): Promise<T> => persist(times, () => call(remote(env.ENVIRONMENTS, name)))

export const callProject = <T>(
  env: Env,
  call: (stub: Remote<ProjectObject>) => Promise<T>,
  times: Times = 'again',
): Promise<T> => persist(times, () => call(remote(env.PROJECT, PROJECT_NAME)))

/** One object for each location of an environment. */
export const callMetrics = <T>(
  env: Env,
  environment: string,
  location: string,
  call: (stub: Remote<MetricsObject>) => Promise<T>,
): Promise<T> => persist('again', () => call(remote(env.METRICS, `${environment}/${location}`)))

export const callWebhooks = <T>(
  env: Env,
  call: (stub: Remote<WebhooksObject>) => Promise<T>,
  times: Times = 'again',
): Promise<T> => persist(times, () => call(remote(env.WEBHOOKS, WEBHOOKS_NAME)))

/** One object for each environment. */
export const callHealth = <T>(
  env: Env,
  environment: string,
  call: (stub: Remote<HealthObject>) => Promise<T>,
): Promise<T> => persist('again', () => call(remote(env.HEALTH, environment)))

/** One object for each caller, by the principal's id. */
export const callIdempotency = <T>(
  env: Env,
  caller: string,
  call: (stub: Remote<IdempotencyObject>) => Promise<T>,
): Promise<T> => persist('again', () => call(remote(env.IDEMPOTENCY, caller)))

/** What the platform says about a failed call. */
export interface StubError {
  retryable?: boolean
  overloaded?: boolean
}

async function persist<T>(times: Times, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (thrown) {
      const { retryable, overloaded } = thrown as StubError
      if (times === 'once' || !retryable || overloaded || attempt === ATTEMPTS) throw thrown
      await scheduler.wait(BASE_BACKOFF_MS * 2 ** attempt * (0.5 + Math.random()))
    }
  }
}
