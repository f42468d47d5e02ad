/** An AppConfig store over an account of the emulator, both of which live in the same time. */
import { AppConfigClient } from '@aws-sdk/client-appconfig'
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata'
import { inject, onTestFinished } from 'vitest'
import { appConfigStore } from '../../../admin/storage/appconfig/store.ts'
import { REAL_TIME } from '../../../admin/storage/aws/timing.ts'
import type { FlagStore } from '../../../admin/storage/store.ts'
import { openAccount, type RemoteAccount } from '../../helpers/aws/remote.ts'

export const FREEFORM = 'AWS.Freeform'
export const FEATURE_FLAGS = 'AWS.AppConfig.FeatureFlags'

export interface TestAppConfig {
  readonly aws: RemoteAccount
  readonly place: { application: string; environment: string; profile: string; type: string }
  readonly store: FlagStore
  /** The same place, as another instance of the control plane sees it that knows what this one has kept. */
  again(): FlagStore
  /** Time passes, for AWS and for the store. */
  pass(ms: number): Promise<void>
  /** What the store keeps. */
  kept(): string | null
  /** Happens just before the store sends the next such command: `StartDeploymentCommand`. */
  before(command: string, work: () => Promise<unknown>): void
}

/** `made`: application, environment and profile are there. */
export async function appConfig(
  type = FREEFORM,
  strategy: string | null = null,
  made = true,
): Promise<TestAppConfig> {
  const aws = await openAccount(inject('aws'))
  const { endpoint, region, credentials } = aws
  const place = { application: 'shop', environment: 'prod', profile: 'flags', type }
  if (made) await aws.makePlace(place)
  const settings = { endpoint, region, credentials, maxAttempts: 1 }
  const client = new AppConfigClient(settings)
  const plane = { client: new AppConfigDataClient(settings), names: place }
  onTestFinished(() => {
    client.destroy()
    plane.client.destroy()
  })
  const works = new Map<string, () => Promise<unknown>>()
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const work = works.get(commandName)
        works.delete(commandName)
        await work?.()
        return next(args)
      },
    { step: 'initialize' },
  )
  let aheadMs = 0
  let kept: string | null = null
  const memory = {
    read: () => kept,
    write: (text: string) => {
      kept = text
    },
  }
  const pass = async (ms: number) => {
    aheadMs += ms
    await aws.advance(ms)
  }
  const timing = {
    ...{ nowMs: () => Date.now() + aheadMs, random: Math.random },
    // Short waits are waited out, so that calls keep their pace; others pass at once.
    wait: (ms: number) => (ms <= 100 ? REAL_TIME.wait(ms / 10) : pass(ms)),
  }
  const options = { place: 'appconfig', strategy, pollMs: null, targetingKeys: [] }
  const again = () => appConfigStore(client, plane, options, memory, timing)
  const before = (command: string, work: () => Promise<unknown>) => void works.set(command, work)
  return { aws, place, store: again(), again, pass, kept: () => kept, before }
}
