/** Opens the stores in AWS. Their clients are loaded when the first is opened: an embedded control plane never pays for them. */
import type { Timing } from './aws/timing.ts'
import { pathOf } from './ssm/names.ts'
import type { FlagStore, StoreKind } from './store.ts'
import type { AwsConfig, Credentials, Service, StoreConfig } from './store-config.ts'

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
  readonly open: (memory: Memory) => Promise<FlagStore>
}

export function nameOfPlace(
  kind: AwsStoreKind,
  { aws, ssm, appConfig }: StoreConfig,
  environment: string,
): string {
  const region = aws?.region ?? 'nowhere'
  if (kind === 'ssm') return `ssm ${pathOf(ssm.prefix, environment)} in ${region}`
  return `appconfig ${appConfig?.application}/${environment}/${appConfig?.profile} in ${region}`
}

export async function openStore(
  kind: AwsStoreKind,
  config: StoreConfig,
  environment: string,
  memory: Memory,
  timing: Timing,
): Promise<FlagStore> {
  const { aws, appConfig, pollMs } = config
  if (aws === null)
    throw new Error('AWS is not set up: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing')
  const { endpointOf, signedFetch } = await import('./aws/signed-fetch.ts')
  const credentials = await credentialsOf(aws, timing)
  const settings = (service: Service) => ({
    ...{ region: aws.region, credentials },
    // One attempt for each send: the stores decide themselves what is tried again, and when.
    maxAttempts: 1,
    endpoint: aws.endpoints[service] ?? endpointOf(service, aws.region),
  })
  const place = nameOfPlace(kind, config, environment)
  if (kind === 'ssm') {
    const { openSsm } = await import('./ssm/open.ts')
    const options = { ...config.ssm, environment, place, pollMs: pollMs ?? SSM_POLL_MS }
    return openSsm(settings('ssm'), options, timing)
  }
  if (appConfig === null) throw new Error('APPCONFIG_APPLICATION and APPCONFIG_PROFILE are missing')
  const { openAppConfig } = await import('./appconfig/open.ts')
  const { application, profile, strategy } = appConfig
  const plane = {
    fetch: signedFetch({ region: aws.region, credentials }, 'appconfig'),
    endpoint: settings('appconfigdata').endpoint,
    names: { application, environment, profile },
  }
  return openAppConfig(settings('appconfig'), plane, { place, strategy, pollMs }, memory, timing)
}

/** Those that were given, or those of the role that they may take. */
async function credentialsOf(
  { region, credentials, role, endpoints }: AwsConfig,
  timing: Timing,
): Promise<() => Promise<Credentials>> {
  if (role === null) return async () => credentials
  const [{ assumedRole }, { endpointOf, signedFetch }] = await Promise.all([
    import('./aws/assume-role.ts'),
    import('./aws/signed-fetch.ts'),
  ])
  const sts = {
    fetch: signedFetch({ region, credentials: async () => credentials }, 'sts'),
    endpoint: endpoints.sts ?? endpointOf('sts', region),
  }
  return assumedRole(role, sts, timing.nowMs)
}
