/** An SSM store over an account of the emulator. */
import { SSMClient } from '@aws-sdk/client-ssm'
import { inject, onTestFinished } from 'vitest'
import { REAL_TIME, type Timing } from '../../../admin/storage/aws/timing.ts'
import { type SsmOptions, ssmStore } from '../../../admin/storage/ssm/store.ts'
import type { FlagStore } from '../../../admin/storage/store.ts'
import { openAccount, type RemoteAccount } from '../../helpers/aws/remote.ts'

export const PATH = '/turnout/prod'

export async function ssm(): Promise<{ aws: RemoteAccount; store: FlagStore }> {
  const aws = await openAccount(inject('aws'))
  return { aws, store: storeIn(aws) }
}

export function storeIn(
  { endpoint, region, credentials }: RemoteAccount,
  options: Partial<SsmOptions> = {},
  timing: Timing = hurried(),
): FlagStore {
  const client = new SSMClient({ endpoint, region, credentials, maxAttempts: 1 })
  onTestFinished(() => client.destroy())
  const given: SsmOptions = {
    ...{ prefix: '/turnout', environment: 'prod', place: 'ssm', tier: 'standard', pollMs: 15_000 },
    ...options,
  }
  return ssmStore(client, given, timing)
}

/** Ten calls a second stay ten; whoever backs off for longer finds that the time has passed. */
export function hurried(aheadMs = 0): Timing {
  let skippedMs = aheadMs
  return {
    nowMs: () => Date.now() + skippedMs,
    random: () => Math.random(),
    wait: async (ms) => {
      if (ms <= 100) return REAL_TIME.wait(ms)
      skippedMs += ms
    },
  }
}
