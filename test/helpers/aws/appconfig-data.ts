/**
 * AppConfigData: sessions whose tokens are good for one call and a day, an interval that must be kept, and each value
 * delivered once: an empty body says "as before".
 * https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_appconfigdata_GetLatestConfiguration.html
 */
import { randomBytes } from 'node:crypto'
import {
  type AppConfig,
  type Application,
  type Environment,
  FEATURE_FLAGS,
  type Profile,
} from './appconfig.ts'
import type { Clock } from './clock.ts'
import type { Deployment } from './deployments.ts'
import { retrieved } from './feature-flags.ts'
import { type Answer, AwsError, type AwsRequest, json, type Understood } from './wire.ts'

const TOKEN_LIFE_MS = 24 * 3_600_000
const DEFAULT_INTERVAL_SECONDS = 60
const MIN_INTERVAL_SECONDS = 15
const MAX_INTERVAL_SECONDS = 86_400

interface Session {
  readonly application: Application
  readonly environment: Environment
  readonly profile: Profile
  readonly intervalSeconds: number
  /** Content delivered last. */
  delivered: Uint8Array | null
}

interface Token {
  readonly session: Session
  readonly issuedAtMs: number
  /** Before this the token is too early. */
  readonly notBeforeMs: number
  used: boolean
}

export class AppConfigData {
  readonly #appConfig: AppConfig
  readonly #clock: Clock
  readonly #accountId: string
  readonly #tokens = new Map<string, Token>()
  /** Where this poller stands among all in [0, 100): a deployment reaches it when its percentage is above. */
  bucket = 50
  /** What the server says to wait, whatever the session asked for; null: what it asked for. */
  intervalSeconds: number | null = null

  constructor(appConfig: AppConfig, clock: Clock, accountId: string) {
    this.#appConfig = appConfig
    this.#clock = clock
    this.#accountId = accountId
  }

  understand(request: AwsRequest, region: string): Understood {
    if (request.method === 'POST') return this.#start(request, region)
    const name = request.query.get('configuration_token') ?? ''
    const token = this.#tokens.get(name)
    return {
      action: 'appconfig:GetLatestConfiguration',
      resources: token === undefined ? ['*'] : [this.#arn(token.session, region)],
      input: { configuration_token: name },
      run: () => this.#latest(token),
    }
  }

  /** All tokens given out so far are no longer known, as after an incident. */
  forgetTokens(): void {
    this.#tokens.clear()
  }

  #start({ body }: AwsRequest, region: string): Understood {
    const input = JSON.parse(body.toString()) as Record<string, unknown>
    const { ApplicationIdentifier, EnvironmentIdentifier, ConfigurationProfileIdentifier } = input
    const found = this.#appConfig.find(
      String(ApplicationIdentifier),
      String(EnvironmentIdentifier),
      String(ConfigurationProfileIdentifier),
    )
    const { application, environment, profile } = found
    const known = application && environment && profile ? { application, environment, profile } : null
    return {
      action: 'appconfig:StartConfigurationSession',
      resources: known === null ? ['*'] : [this.#arn(known, region)],
      input,
      run: () => {
        if (application === undefined)
          throw noSuch('Application', 'ApplicationIdentifier', ApplicationIdentifier)
        if (environment === undefined)
          throw noSuch('Environment', 'EnvironmentIdentifier', EnvironmentIdentifier)
        if (profile === undefined)
          throw noSuch(
            'ConfigurationProfile',
            'ConfigurationProfileIdentifier',
            ConfigurationProfileIdentifier,
          )
        const intervalSeconds = intervalIn(input)
        const session: Session = { application, environment, profile, intervalSeconds, delivered: null }
        return json(201, { InitialConfigurationToken: this.#issue(session, 0) })
      },
    }
  }

  #latest(token: Token | undefined): Answer {
    const nowMs = this.#clock.nowMs()
    if (token === undefined) throw invalidToken('Corrupted')
    if (token.used || nowMs >= token.issuedAtMs + TOKEN_LIFE_MS) throw invalidToken('Expired')
    if (nowMs < token.notBeforeMs) throw invalidToken('PollIntervalNotSatisfied')
    const { session } = token
    const deployment = this.#appConfig.served(session.environment, session.profile, this.bucket)
    if (deployment === undefined) throw noSuch('Deployment', 'ConfigurationToken', session.environment.name)
    token.used = true
    const seconds = this.intervalSeconds ?? session.intervalSeconds
    const changed = session.delivered !== deployment.content
    session.delivered = deployment.content
    return {
      status: 200,
      headers: {
        'next-poll-configuration-token': this.#issue(session, seconds),
        'next-poll-interval-in-seconds': String(seconds),
        'content-type': changed ? deployment.contentType : 'application/octet-stream',
        ...(changed && deployment.label !== undefined ? { 'version-label': deployment.label } : {}),
      },
      body: changed ? contentFor(session.profile, deployment) : '',
    }
  }

  #issue(session: Session, waitSeconds: number): string {
    const nowMs = this.#clock.nowMs()
    const name = randomBytes(48).toString('base64')
    this.#tokens.set(name, {
      session,
      issuedAtMs: nowMs,
      notBeforeMs: nowMs + waitSeconds * 1000,
      used: false,
    })
    return name
  }

  #arn(
    { application, environment, profile }: Pick<Session, 'application' | 'environment' | 'profile'>,
    region: string,
  ): string {
    const path = `application/${application.id}/environment/${environment.id}/configuration/${profile.id}`
    return `arn:aws:appconfig:${region}:${this.#accountId}:${path}`
  }
}

function contentFor({ type }: Profile, { content }: Deployment): Uint8Array | string {
  if (type !== FEATURE_FLAGS) return content
  return JSON.stringify(retrieved(JSON.parse(Buffer.from(content).toString()) as Record<string, unknown>))
}

function intervalIn({ RequiredMinimumPollIntervalInSeconds: asked }: Record<string, unknown>): number {
  if (asked === undefined) return DEFAULT_INTERVAL_SECONDS
  if (
    Number.isInteger(asked) &&
    (asked as number) >= MIN_INTERVAL_SECONDS &&
    (asked as number) <= MAX_INTERVAL_SECONDS
  )
    return asked as number
  throw new AwsError(
    'BadRequestException',
    `RequiredMinimumPollIntervalInSeconds must be between ${MIN_INTERVAL_SECONDS} and ${MAX_INTERVAL_SECONDS}`,
  )
}

const invalidToken = (Problem: 'Corrupted' | 'Expired' | 'PollIntervalNotSatisfied'): AwsError =>
  new AwsError('BadRequestException', `The configuration token is not valid: ${Problem}`, 400, {
    Reason: 'InvalidParameters',
    Details: { InvalidParameters: { ConfigurationToken: { Problem } } },
  })

const noSuch = (ResourceType: string, member: string, value: unknown): AwsError =>
  new AwsError('ResourceNotFoundException', `${ResourceType} not found: ${value}`, 404, {
    ResourceType,
    ReferencedBy: { [member]: String(value) },
  })
