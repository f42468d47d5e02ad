/** For commands that show one environment or everything: which is meant, said aloud where nobody typed it. */
import type { Command } from './command.ts'
import { environmentIfAny } from './connection.ts'
import { UsageError } from './failure.ts'
import type { World } from './world.ts'

export interface ScopeOptions {
  readonly allEnvs?: boolean
}

export const scoped = (command: Command): Command =>
  command.option('--all-envs', 'of all environments, whatever TURNOUT_ENV or the login says')

/** For the query: the environment that is meant, or nothing for all that the token may see. */
export function scopeOf(world: World, { allEnvs = false }: ScopeOptions): { readonly environment?: string } {
  const { common, output } = world
  if (allEnvs && common.env !== undefined) throw new UsageError('--env and --all-envs exclude each other')
  const environment = allEnvs ? undefined : environmentIfAny(world)
  if (environment === undefined) return {}
  if (common.env === undefined) output.note(`Of ${environment} alone; --all-envs takes all environments.`)
  return { environment }
}
