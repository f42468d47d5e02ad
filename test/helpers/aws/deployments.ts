/**
 * Deployments of AppConfig as functions of time: nothing runs, a deployment's state is worked out when it is asked for.
 * https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-deploying.html
 */

export interface Strategy {
  readonly id: string
  readonly name: string
  readonly description?: string
  readonly durationMinutes: number
  readonly growthType: 'LINEAR' | 'EXPONENTIAL'
  readonly growthFactor: number
  readonly bakeMinutes: number
  readonly replicateTo: 'NONE' | 'SSM_DOCUMENT'
}

const predefined = (
  name: string,
  durationMinutes: number,
  growthType: Strategy['growthType'],
  growthFactor: number,
  bakeMinutes: number,
): Strategy => ({
  id: `AppConfig.${name}`,
  name: `AppConfig.${name}`,
  durationMinutes,
  growthType,
  growthFactor,
  bakeMinutes,
  replicateTo: 'NONE',
})

export const PREDEFINED_STRATEGIES: readonly Strategy[] = [
  predefined('AllAtOnce', 0, 'LINEAR', 100, 10),
  predefined('Linear50PercentEvery30Seconds', 1, 'LINEAR', 50, 1),
  predefined('Canary10Percent20Minutes', 20, 'EXPONENTIAL', 10, 10),
  predefined('Linear20PercentEvery6Minutes', 30, 'LINEAR', 20, 30),
]

export type DeploymentState =
  | 'DEPLOYING'
  | 'BAKING'
  | 'COMPLETE'
  | 'ROLLING_BACK'
  | 'ROLLED_BACK'
  | 'REVERTED'

export interface Deployment {
  readonly number: number
  readonly profileId: string
  readonly profileName: string
  readonly version: number
  readonly label: string | undefined
  readonly content: Uint8Array
  readonly contentType: string
  readonly strategy: Strategy
  readonly description: string | undefined
  readonly startedAtMs: number
  /** Ended before it was complete, by a person or by an alarm. */
  stopped?: { readonly atMs: number; readonly by: 'USER' | 'CLOUDWATCH_ALARM'; readonly why: string }
  /** Taken back after it was complete. */
  revertedAtMs?: number
}

/** How long AWS takes at least from start to COMPLETE, and to roll back: not documented, taken for a second. */
const SETTLE_MS = 1_000
/** How long a deployment can be reverted after it was complete. */
export const REVERT_MS = 72 * 3_600_000

const MINUTE_MS = 60_000

interface Progress {
  readonly state: DeploymentState
  /** Of pollers. */
  readonly percentage: number
  readonly completedAtMs: number | null
}

export function progressOf(deployment: Deployment, nowMs: number): Progress {
  const { stopped, startedAtMs, strategy, revertedAtMs } = deployment
  if (stopped !== undefined) {
    const done = nowMs >= stopped.atMs + SETTLE_MS
    return { state: done ? 'ROLLED_BACK' : 'ROLLING_BACK', percentage: 0, completedAtMs: null }
  }
  const deployedAtMs = startedAtMs + strategy.durationMinutes * MINUTE_MS
  const completedAtMs = Math.max(deployedAtMs + strategy.bakeMinutes * MINUTE_MS, startedAtMs + SETTLE_MS)
  if (revertedAtMs !== undefined) return { state: 'REVERTED', percentage: 0, completedAtMs }
  if (nowMs < deployedAtMs)
    return { state: 'DEPLOYING', percentage: grown(strategy, nowMs - startedAtMs), completedAtMs: null }
  if (nowMs < completedAtMs) return { state: 'BAKING', percentage: 100, completedAtMs: null }
  return { state: 'COMPLETE', percentage: 100, completedAtMs }
}

/** https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-deployment-strategy.html */
function grown({ growthType, growthFactor, durationMinutes }: Strategy, elapsedMs: number): number {
  const steps =
    growthType === 'LINEAR' ? Math.ceil(100 / growthFactor) : Math.ceil(Math.log2(100 / growthFactor)) + 1
  const at = Math.floor((elapsedMs / (durationMinutes * MINUTE_MS)) * steps)
  const percentage = growthType === 'LINEAR' ? growthFactor * (at + 1) : growthFactor * 2 ** at
  return Math.min(100, percentage)
}

export const isRunning = (deployment: Deployment, nowMs: number): boolean =>
  ['DEPLOYING', 'BAKING', 'ROLLING_BACK'].includes(progressOf(deployment, nowMs).state)

/** What a poller gets, of the deployments of one profile, newest last; `bucket` in [0, 100) is the poller's own. */
export const servedTo = (
  deployments: readonly Deployment[],
  bucket: number,
  nowMs: number,
): Deployment | undefined =>
  deployments.findLast((deployment) => progressOf(deployment, nowMs).percentage > bucket)

export function showDeployment(deployment: Deployment, nowMs: number) {
  const { number, strategy, startedAtMs, stopped, revertedAtMs } = deployment
  const { state, percentage, completedAtMs } = progressOf(deployment, nowMs)
  const ended = stopped?.atMs ?? completedAtMs
  return {
    DeploymentNumber: number,
    DeploymentStrategyId: strategy.id,
    ConfigurationProfileId: deployment.profileId,
    ConfigurationName: deployment.profileName,
    ConfigurationLocationUri: 'hosted',
    ConfigurationVersion: String(deployment.version),
    ...(deployment.label === undefined ? {} : { VersionLabel: deployment.label }),
    ...(deployment.description === undefined ? {} : { Description: deployment.description }),
    DeploymentDurationInMinutes: strategy.durationMinutes,
    GrowthType: strategy.growthType,
    GrowthFactor: strategy.growthFactor,
    FinalBakeTimeInMinutes: strategy.bakeMinutes,
    State: state,
    PercentageComplete: percentage,
    EventLog: eventsOf(deployment, nowMs),
    StartedAt: iso(startedAtMs),
    ...(ended === null || ended > nowMs ? {} : { CompletedAt: iso(revertedAtMs ?? ended) }),
  }
}

/** Newest first, as AWS gives it. */
function eventsOf(deployment: Deployment, nowMs: number): unknown[] {
  const { startedAtMs, strategy, stopped, revertedAtMs } = deployment
  const endMs = Math.min(nowMs, stopped?.atMs ?? nowMs)
  const deployedAtMs = startedAtMs + strategy.durationMinutes * MINUTE_MS
  const completedAtMs = Math.max(deployedAtMs + strategy.bakeMinutes * MINUTE_MS, startedAtMs + SETTLE_MS)
  const events = [event('DEPLOYMENT_STARTED', 'USER', 'Deployment started', startedAtMs)]
  if (endMs >= deployedAtMs)
    events.push(
      event('PERCENTAGE_UPDATED', 'APPCONFIG', 'Configuration available to 100.00% of clients', deployedAtMs),
      event('BAKE_TIME_STARTED', 'APPCONFIG', `Deployment bake time started`, deployedAtMs),
    )
  if (stopped === undefined && endMs >= completedAtMs)
    events.push(event('DEPLOYMENT_COMPLETED', 'APPCONFIG', 'Deployment completed', completedAtMs))
  if (stopped !== undefined) {
    events.push(event('ROLLBACK_STARTED', stopped.by, stopped.why, stopped.atMs))
    if (nowMs >= stopped.atMs + SETTLE_MS)
      events.push(event('ROLLBACK_COMPLETED', stopped.by, 'Rollback completed', stopped.atMs + SETTLE_MS))
  }
  if (revertedAtMs !== undefined)
    events.push(event('REVERT_COMPLETED', 'USER', 'Revert completed', revertedAtMs))
  return events.reverse()
}

const event = (EventType: string, TriggeredBy: string, Description: string, atMs: number) => ({
  EventType,
  TriggeredBy,
  Description,
  OccurredAt: iso(atMs),
})

const iso = (ms: number): string => new Date(ms).toISOString()
