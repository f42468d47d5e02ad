/** Opens the store with its client. Loaded when it is needed; importing names keeps the rest of the client out of the bundle. */
import { AppConfigClient, type AppConfigClientConfig } from '@aws-sdk/client-appconfig'
import type { Timing } from '../aws/timing.ts'
import type { Memory } from '../open-store.ts'
import type { FlagStore } from '../store.ts'
import type { DataPlane } from './session.ts'
import { type AppConfigOptions, appConfigStore } from './store.ts'

export const openAppConfig = (
  client: AppConfigClientConfig,
  plane: DataPlane,
  options: AppConfigOptions,
  memory: Memory,
  timing: Timing,
): FlagStore => appConfigStore(new AppConfigClient(client), plane, options, memory, timing)
