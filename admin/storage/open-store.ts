/** Opens the stores in AWS. Their clients are loaded when the first is opened: an embedded control plane never pays for them. */
import type { Timing } from './aws/timing.ts'
import { pathOf } from './ssm/names.ts'
import type { FlagStore, StoreKind } from './store.ts'
import type { AwsConfig, Service, StoreConfig } from './store-config.ts'

export type AwsStoreKind = Exclude<StoreKind, 'embedded'>

/** How often SSM is read, unless POLL_INTERVAL_MS says otherwise. */
const SSM_POLL_MS = 15_000

/** What a store keeps between loads: one text, which survives restarts. */
export interface Memory {
  read(): string | null
  write(text: string): void
}

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
  const { aws, pollMs } = config
  if (aws === null)
    throw new Error('AWS is not set up: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing')
  if (kind === 'ssm') {
    const [{ SSMClient }, { ssmStore }] = await Promise.all([
      import('@aws-sdk/client-ssm'),
      import('./ssm/store.ts'),
    ])
    const place = nameOfPlace(kind, config, environment)
    const options = { ...config.ssm, environment, place, pollMs: pollMs ?? SSM_POLL_MS }
    return ssmStore(new SSMClient(clientSettings(aws, 'ssm')), options, timing)
  }
  const { appConfig } = config
  if (appConfig === null) throw new Error('APPCONFIG_APPLICATION and APPCONFIG_PROFILE are missing')
  const [{ AppConfigClient }, { appConfigStore }, { signedFetch, endpointOf }] = await Promise.all([
    import('@aws-sdk/client-appconfig'),
    import('./appconfig/store.ts'),
    import('./aws/signed-fetch.ts'),
  ])
  const { application, profile, strategy } = appConfig
  const plane = {
    fetch: signedFetch({ region: aws.region, credentials: async () => aws.credentials }, 'appconfig'),
    endpoint: aws.endpoints.appconfigdata ?? endpointOf('appconfigdata', aws.region),
    names: { application, environment, profile },
  }
  const options = { place: nameOfPlace(kind, config, environment), strategy, pollMs }
  return appConfigStore(new AppConfigClient(clientSettings(aws, 'appconfig')), plane, options, memory, timing)
}

/** One attempt for each send: the stores decide themselves what is tried again, and when. */
const clientSettings = ({ region, credentials, endpoints }: AwsConfig, service: Service) => ({
  region,
  credentials,
  maxAttempts: 1,
  ...(endpoints[service] === undefined ? {} : { endpoint: endpoints[service] }),
})
