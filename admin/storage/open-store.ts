/**
 * Opens the stores in AWS. Their clients are imported as any module is: loaded on demand, nothing that they do not use could be
 * left out of the bundle.
 */
import { AppConfigClient } from '@aws-sdk/client-appconfig'
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata'
import { SSMClient } from '@aws-sdk/client-ssm'
import type { AwsConfig, Credentials, Service, StoreConfig, StoreKind } from '../config/store-config.ts'
import { appConfigStore } from './appconfig/store.ts'
import { assumedRole } from './aws/assume-role.ts'
import { endpointOf, signedPost } from './aws/signed-post.ts'
import type { Timing } from './aws/timing.ts'
import { pathOf } from './ssm/names.ts'
import { ssmStore } from './ssm/store.ts'
import type { FlagStore } from './store.ts'

export type AwsStoreKind = Exclude<StoreKind, 'embedded'>

/** How often SSM is read, unless POLL_INTERVAL_MS says otherwise. */
const SSM_POLL_MS = 15_000

/** What a store keeps between loads: one text, which survives restarts. */
export interface Memory {
  read(): string | null
  write(text: string): void
}

/** For a store that is looked at once. */
export function forgetful(): Memory {
  let kept: string | null = null
  return {
    read: () => kept,
    write: (text) => {
      kept = text
    },
  }
}

/** Whether the settings of a store are there. */
export const isSetUp = (kind: StoreKind, { aws, appConfig }: StoreConfig): boolean =>
  kind === 'embedded' || (aws !== null && (kind === 'ssm' || appConfig !== null))

/** Where an environment's document lives in AWS; `null`: it is embedded. */
export function placeInAws(config: StoreConfig, environment: string, timing: Timing): StorePlace | null {
  const { kind } = config
  if (kind === 'embedded') return null
  const place = nameOfPlace(kind, config, environment)
  return { kind, place, open: (memory) => openStore(kind, config, environment, memory, timing) }
}

export interface StorePlace {
  readonly kind: AwsStoreKind
  /** For people; another place is another store. */
  readonly place: string
  readonly open: (memory: Memory) => FlagStore
}

function nameOfPlace(kind: AwsStoreKind, { aws, ssm, appConfig }: StoreConfig, environment: string): string {
  const region = aws?.region ?? 'nowhere'
  if (kind === 'ssm') return `ssm ${pathOf(ssm.prefix, environment)} in ${region}`
  const place = `appconfig ${appConfig?.application}/${environment}/${appConfig?.profile} in ${region}`
  const keys = appConfig?.targetingKeys ?? []
  // Read otherwise it says something else, and must be read anew.
  return keys.length === 0 ? place : `${place} with ${keys.join(' and ')} as targeting key`
}

export function openStore(
  kind: AwsStoreKind,
  config: StoreConfig,
  environment: string,
  memory: Memory,
  timing: Timing,
): FlagStore {
  const { aws, appConfig, pollMs } = config
  if (aws === null)
    throw new Error('AWS is not set up: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing')
  const credentials = credentialsOf(aws, timing)
  const settings = (service: Service) => ({
    ...{ region: aws.region, credentials },
    // One attempt for each send: the stores decide themselves what is tried again, and when.
    maxAttempts: 1,
    endpoint: aws.endpoints[service] ?? endpointOf(service, aws.region),
  })
  const place = nameOfPlace(kind, config, environment)
  if (kind === 'ssm') {
    const options = { ...config.ssm, environment, place, pollMs: pollMs ?? SSM_POLL_MS }
    return ssmStore(new SSMClient(settings('ssm')), options, timing)
  }
  if (appConfig === null) throw new Error('APPCONFIG_APPLICATION and APPCONFIG_PROFILE are missing')
  const { application, profile, strategy, targetingKeys } = appConfig
  const plane = {
    client: new AppConfigDataClient(settings('appconfigdata')),
    names: { application, environment, profile },
  }
  const client = new AppConfigClient(settings('appconfig'))
  return appConfigStore(client, plane, { place, strategy, pollMs, targetingKeys }, memory, timing)
}

/** Those that were given, or those of the role that they may take. */
function credentialsOf(
  { region, credentials, role, endpoints }: AwsConfig,
  timing: Timing,
): () => Promise<Credentials> {
  if (role === null) return async () => credentials
  const post = signedPost({ region, credentials }, 'sts', endpoints.sts ?? endpointOf('sts', region))
  return assumedRole(role, post, timing.nowMs)
}
