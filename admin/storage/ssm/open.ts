/** Opens the store with its client. Loaded when it is needed; importing names keeps the rest of the client out of the bundle. */
import { SSMClient, type SSMClientConfig } from '@aws-sdk/client-ssm'
import type { Timing } from '../aws/timing.ts'
import type { FlagStore } from '../store.ts'
import { type SsmOptions, ssmStore } from './store.ts'

export const openSsm = (client: SSMClientConfig, options: SsmOptions, timing: Timing): FlagStore =>
  ssmStore(new SSMClient(client), options, timing)
