/** Deployments of AppConfig: which one is in force, and which one is in the way. Pure. */

/** As much of a deployment as matters here. */
export interface Deployment {
  readonly number: number
  readonly version: number
  readonly state: string
  /** Of pollers, 0 to 100. */
  readonly percentage: number
}

const RUNNING = new Set(['DEPLOYING', 'BAKING', 'VALIDATING', 'ROLLING_BACK'])
const TAKEN_BACK = new Set(['ROLLING_BACK', 'ROLLED_BACK', 'REVERTED'])

/** It ended well: nothing before it counts any more, unless it is taken back. */
export const isComplete = ({ state }: Deployment): boolean => state === 'COMPLETE'
export const isRunning = ({ state }: Deployment): boolean => RUNNING.has(state)
export const isTakenBack = ({ state }: Deployment): boolean => TAKEN_BACK.has(state)

/** One state of the environment: `DEPLOYMENT/VERSION`. */
export const revisionOf = (deployment: Pick<Deployment, 'number' | 'version'> | null): string =>
  deployment === null ? NOTHING : `${deployment.number}/${deployment.version}`

export const NOTHING = '0/0'

export const numberIn = (revision: string): number => Number(revision.split('/')[0])

/**
 * The deployment whose content counts, of those of one profile, newest first. One that is still on its way to pollers
 * counts once it has reached us (`reached`), or if it is ours (`own`: its number).
 */
export function inForce(
  deployments: readonly Deployment[],
  { reached, own }: { reached: boolean; own: number },
): Deployment | null {
  for (const deployment of deployments) {
    if (isTakenBack(deployment)) continue
    const everywhere = deployment.state !== 'DEPLOYING' || deployment.percentage >= 100
    if (everywhere || reached || deployment.number === own) return deployment
  }
  return null
}
