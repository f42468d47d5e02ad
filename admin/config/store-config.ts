/** Settings of the stores: which one is used, and where AWS keeps things. A bad value throws a `SettingError`. Pure. */
import { SettingError } from './setting-error.ts'

export const STORES = ['embedded', 'ssm', 'appconfig'] as const
export type StoreKind = (typeof STORES)[number]

export interface StoreConfig {
  /** The one that counts; others are there to be copied from and to. */
  readonly kind: StoreKind
  /** `null`: AWS is not set up. */
  readonly aws: AwsConfig | null
  readonly ssm: { readonly prefix: string; readonly tier: 'standard' | 'intelligent' }
  /** `null`: no application or no profile is named. */
  readonly appConfig: {
    readonly application: string
    readonly profile: string
    /** Name or id of a deployment strategy; `null`: Turnout's own, which deploys at once. */
    readonly strategy: string | null
    /** Context values in rules of a feature-flag profile that are the targeting key. */
    readonly targetingKeys: readonly string[]
  } | null
  /** `null`: as often as each store wants. */
  readonly pollMs: number | null
  /** With it AWS may say that something has changed. `null`: it may not. */
  readonly hookSecret: string | null
  /** Topics of SNS that may say so; ARNs. */
  readonly hookTopics: readonly string[]
}

export interface AwsConfig {
  readonly region: string
  readonly credentials: Credentials
  /** Taken with the credentials; `null`: they are used themselves. */
  readonly role: { readonly arn: string; readonly externalId: string | null } | null
  /** By service; `undefined`: AWS's own. */
  readonly endpoints: Readonly<Record<Service, string | undefined>>
}

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export type Service = 'ssm' | 'appconfig' | 'appconfigdata' | 'sts'

export type Variables = Readonly<Partial<Record<Name, string>>>
type Name =
  | ('STORE' | 'STORE_PREFIX' | 'SSM_TIER' | 'POLL_INTERVAL_MS')
  | `APPCONFIG_${'APPLICATION' | 'PROFILE' | 'STRATEGY' | 'TARGETING_KEY'}`
  | `AWS_${'REGION' | 'ACCESS_KEY_ID' | 'SECRET_ACCESS_KEY' | 'SESSION_TOKEN' | 'ENDPOINT_URL'}`
  | `AWS_ENDPOINT_URL_${'SSM' | 'APPCONFIG' | 'APPCONFIGDATA' | 'STS'}`
  | `AWS_ROLE_${'ARN' | 'EXTERNAL_ID'}`
  | `AWS_HOOK_${'SECRET' | 'TOPICS'}`

export function parseStoreConfig(env: Variables): StoreConfig {
  const kind = kindOf(env.STORE || 'embedded')
  return {
    kind,
    aws: awsOf(env, kind !== 'embedded'),
    ssm: { prefix: prefixOf(env.STORE_PREFIX || '/turnout'), tier: tierOf(env.SSM_TIER || 'standard') },
    appConfig: appConfigOf(env, kind === 'appconfig'),
    pollMs: pollOf(env.POLL_INTERVAL_MS),
    hookSecret: secretOf('AWS_HOOK_SECRET', env.AWS_HOOK_SECRET),
    hookTopics: topicsOf(env.AWS_HOOK_TOPICS),
  }
}

/** Shorter ones could be guessed, and a header carries no others. */
const SECRET = /^[\x21-\x7e]{16,}$/

/** `null`: there is none. */
export function secretOf(name: string, value: string | undefined): string | null {
  if (!value || SECRET.test(value)) return value || null
  throw new SettingError(`${name} must have at least 16 characters of ASCII, and no spaces`)
}

function kindOf(value: string): StoreKind {
  const kind = STORES.find((known) => known === value)
  if (kind !== undefined) return kind
  throw new SettingError(`STORE must be one of ${STORES.join(', ')}`, value)
}

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/

function awsOf(env: Variables, needed: boolean): AwsConfig | null {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = env
  if (!needed && !region && !id && !secret) return null
  if (!region || !REGION.test(region))
    throw new SettingError('AWS_REGION must be a region such as eu-west-1', region ?? '')
  if (!id) throw new SettingError('AWS_ACCESS_KEY_ID is missing: the store in AWS needs credentials')
  if (!secret) throw new SettingError('AWS_SECRET_ACCESS_KEY is missing: the store in AWS needs credentials')
  const session = env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {}
  const endpoint = (name: Name) =>
    endpointOf(name, env[name]) ?? endpointOf('AWS_ENDPOINT_URL', env.AWS_ENDPOINT_URL)
  return {
    region,
    credentials: { accessKeyId: id, secretAccessKey: secret, ...session },
    role: roleOf(env),
    endpoints: {
      ssm: endpoint('AWS_ENDPOINT_URL_SSM'),
      appconfig: endpoint('AWS_ENDPOINT_URL_APPCONFIG'),
      appconfigdata: endpoint('AWS_ENDPOINT_URL_APPCONFIGDATA'),
      sts: endpoint('AWS_ENDPOINT_URL_STS'),
    },
  }
}

const TOPIC = /^arn:aws(?:-[a-z-]+)?:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(?:\.fifo)?$/

function topicsOf(value: string | undefined): readonly string[] {
  const topics = listOf(value)
  const wrong = topics.find((topic) => !TOPIC.test(topic))
  if (wrong === undefined) return topics
  throw new SettingError(
    'AWS_HOOK_TOPICS must be ARNs of SNS topics with commas between them, such as arn:aws:sns:eu-west-1:111122223333:flags',
    wrong,
  )
}

const ROLE = /^arn:aws(?:-[a-z-]+)?:iam::\d{12}:role\/[\w+=,.@/-]+$/

function roleOf({ AWS_ROLE_ARN: arn, AWS_ROLE_EXTERNAL_ID: externalId }: Variables): AwsConfig['role'] {
  if (!arn) return null
  if (ROLE.test(arn)) return { arn, externalId: externalId || null }
  throw new SettingError('AWS_ROLE_ARN must be the ARN of a role, arn:aws:iam::111122223333:role/NAME', arn)
}

function endpointOf(name: Name, value: string | undefined): string | undefined {
  if (!value) return undefined
  const url = URL.canParse(value) ? new URL(value) : null
  const isPlain = url !== null && url.username + url.password + url.search + url.hash === ''
  if (isPlain && /^https?:$/.test(url.protocol)) return value.replace(/\/+$/, '')
  throw new SettingError(`${name} must be an http or https URL without credentials or a query`, value)
}

/** AWS keeps names that begin with aws or ssm for itself. */
const PREFIX = /^(?:\/[A-Za-z0-9_.-]+){1,8}$/

function prefixOf(value: string): string {
  if (PREFIX.test(value) && !/^\/(?:aws|ssm)/i.test(value)) return value
  throw new SettingError(
    'STORE_PREFIX must be a path of SSM parameters such as /turnout, not beginning with /aws or /ssm and without a slash at its end',
    value,
  )
}

function tierOf(value: string): 'standard' | 'intelligent' {
  if (value === 'standard' || value === 'intelligent') return value
  throw new SettingError('SSM_TIER must be standard or intelligent', value)
}

function appConfigOf(env: Variables, needed: boolean): StoreConfig['appConfig'] {
  const { APPCONFIG_APPLICATION: application, APPCONFIG_PROFILE: profile } = env
  if (!needed && (!application || !profile)) return null
  if (!application)
    throw new SettingError('APPCONFIG_APPLICATION is missing: the name or id of the application')
  if (!profile)
    throw new SettingError('APPCONFIG_PROFILE is missing: the name or id of the configuration profile')
  const targetingKeys = targetingKeysOf(env.APPCONFIG_TARGETING_KEY)
  return { application, profile, strategy: env.APPCONFIG_STRATEGY || null, targetingKeys }
}

function targetingKeysOf(value: string | undefined): readonly string[] {
  const names = listOf(value)
  const wrong = names.find((name) => !/^[A-Za-z_][\w.-]*$/.test(name))
  if (wrong === undefined) return names
  throw new SettingError(
    'APPCONFIG_TARGETING_KEY must be names of context values with commas between them, such as userId for $userId',
    wrong,
  )
}

const listOf = (value = ''): string[] => value.split(',').flatMap((text) => text.trim() || [])

function pollOf(value: string | undefined): number | null {
  if (!value) return null
  const ms = Number(value)
  if (/^\d{1,7}$/.test(value) && ms >= 1_000 && ms <= 3_600_000) return ms
  throw new SettingError('POLL_INTERVAL_MS must be a whole number from 1000 to 3600000', value)
}
