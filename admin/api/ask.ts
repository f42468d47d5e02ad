/** Asks an environment's object, and turns its failures into problems. */
import type { Result } from '../../engine/index.ts'
import type { Failure } from '../failure.ts'
import type { EnvironmentObject } from '../objects/environment.ts'
import { ENVIRONMENT_NAME } from '../settings.ts'
import { callEnvironment, type Remote, type Times } from '../stubs.ts'
import type { ApiContext } from './context.ts'
import { asHolder } from './holder.ts'
import { unknown } from './problem.ts'
import { settle } from './settle.ts'

type Question<T> = (stub: Remote<EnvironmentObject>) => Promise<Result<T, Failure>>

/** `environment` is a name from outside: one that none can have wakes no object. */
export async function ask<T>(
  c: ApiContext,
  environment: string,
  question: Question<T>,
  times: Times = 'again',
): Promise<T> {
  if (!ENVIRONMENT_NAME.test(environment)) throw unknown('environment', environment)
  const asked = (stub: Remote<EnvironmentObject>) => question(asHolder(c, stub))
  return settle(await callEnvironment(c.env, environment, asked, times), environment)
}

/** For lists over environments: one that is not there any more has nothing to say, where it was not asked for by name. */
export async function hear<T>(
  c: ApiContext,
  environment: string,
  named: string | undefined,
  question: Question<T[]>,
): Promise<T[]> {
  if (named !== undefined) return ask(c, environment, question)
  const answer = await callEnvironment(c.env, environment, question)
  return !answer.ok && answer.error.reason === 'environment-unknown' ? [] : settle(answer, environment)
}

/** For what changes something each time. */
export const tell = <T>(c: ApiContext, environment: string, question: Question<T>): Promise<T> =>
  ask(c, environment, question, 'once')
