/** Asks an environment's object, and turns its failures into problems. */
import type { Result } from '../../engine/index.ts'
import type { Failure } from '../failure.ts'
import type { EnvironmentObject } from '../objects/environment.ts'
import { ENVIRONMENT_NAME } from '../settings.ts'
import { callEnvironment, type Remote, type Times } from '../stubs.ts'
import type { ApiContext } from './context.ts'
import { settle, unknownEnvironment } from './problem.ts'

type Question<T> = (stub: Remote<EnvironmentObject>) => Promise<Result<T, Failure>>

/** `environment` is a name from outside: one that none can have wakes no object. */
export async function ask<T>(
  c: ApiContext,
  environment: string,
  question: Question<T>,
  times: Times = 'again',
): Promise<T> {
  if (!ENVIRONMENT_NAME.test(environment)) throw unknownEnvironment(environment)
  return settle(await callEnvironment(c.env, environment, question, times), environment)
}

/** For what changes something each time. */
export const tell = <T>(c: ApiContext, environment: string, question: Question<T>): Promise<T> =>
  ask(c, environment, question, 'once')
