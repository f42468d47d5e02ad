/** Asks every part of the control plane how it is. One that does not answer keeps no other from being heard. */
import { lastKnownGoodKey } from '../../engine/index.ts'
import type { Scope } from '../access/principal.ts'
import type { Env } from '../env.ts'
import { messageOf } from '../log.ts'
import { callEnvironment, callProject, callWebhooks } from '../stubs.ts'
import type { DirectoryLine, EnvironmentVitals, Heard, Vitals } from './vitals.ts'

/** Environments that are asked at the same time. */
const AT_ONCE = 20

/** Of the environments in scope. Never throws. */
export async function gatherVitals(env: Env, scope: Scope): Promise<Vitals> {
  const [project, webhooks, lastKnownGood] = await Promise.all([
    hear(() => callProject(env, (stub) => stub.vitals(scope))),
    hear(() => callWebhooks(env, (stub) => stub.vitals())),
    hear(async () => {
      await env.LAST_KNOWN_GOOD.get(lastKnownGoodKey('-'))
      return null
    }),
  ])
  const listed = project.ok ? project.value.environments : []
  const environments: { listed: DirectoryLine; heard: Heard<EnvironmentVitals> }[] = []
  for (let at = 0; at < listed.length; at += AT_ONCE)
    environments.push(...(await Promise.all(listed.slice(at, at + AT_ONCE).map((line) => ask(env, line)))))
  return { project, webhooks, lastKnownGood, environments }
}

async function ask(env: Env, listed: DirectoryLine) {
  const heard = await hear(() => callEnvironment(env, listed.name, (stub) => stub.vitals()))
  if (!heard.ok) return { listed, heard }
  const answer = heard.value
  // Deleted, and the directory has not heard of it yet.
  return { listed, heard: answer.ok ? answer : { ok: false as const, cause: answer.error.reason } }
}

async function hear<T>(question: () => Promise<T>): Promise<Heard<T>> {
  try {
    return { ok: true, value: await question() }
  } catch (thrown) {
    return { ok: false, cause: messageOf(thrown) }
  }
}
