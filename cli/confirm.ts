/** Asks before something dangerous is done to an environment on which much depends. */
import { bodyOf } from './client.ts'
import { Failure } from './failure.ts'
import type { EnvironmentSession } from './session.ts'
import { count } from './words.ts'
import type { World } from './world.ts'

/** `what` as in "Publish the document of version 11 again?". Throws `Failure` unless it is meant. */
export async function confirmed(world: World, session: EnvironmentSession, what: string): Promise<void> {
  if (world.common.yes) return
  const { api, environment, path } = session
  const settings = await bodyOf(api.GET('/api/v1/environments/{env}', { params: { path } }))
  const why = protectedBy(settings)
  if (why !== null) await agreed(world, `${environment} is protected (${why})`, what)
}

/** Asks in any case; `why` as in "prod is protected". Throws `Failure` unless it is meant. */
export async function agreed(world: World, why: string, what: string): Promise<void> {
  if (world.common.yes) return
  if (!world.terminal.answers || world.common.json)
    throw new Failure(`${why}, so nothing was done: --yes says that it is meant`)
  const answer = await world.terminal.ask(`${why}. ${what} [y/N] `)
  if (!/^y(?:es)?$/i.test(answer?.trim() ?? '')) throw new Failure('nothing was done')
}

function protectedBy({ tier, approvals }: { tier: number | null; approvals: number }): string | null {
  const reasons = [
    ...(tier === 1 ? ['tier 1'] : []),
    ...(approvals > 0 ? [`changes need ${count(approvals, 'approval')}`] : []),
  ]
  return reasons.length === 0 ? null : reasons.join(', ')
}
