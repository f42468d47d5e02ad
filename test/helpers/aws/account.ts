/** One AWS account: its credentials, its services with what they hold, what goes wrong in it, and who called. */
import { randomBytes } from 'node:crypto'
import { AppConfig, type Environment, type Profile } from './appconfig.ts'
import { AppConfigData } from './appconfig-data.ts'
import { AppConfigRoutes } from './appconfig-routes.ts'
import { Clock } from './clock.ts'
import { type Deployment, type Strategy, showDeployment } from './deployments.ts'
import { Events } from './events.ts'
import { Faults } from './faults.ts'
import type { AwsOperations, Call, DeploymentStatus, Fault, Place, StoredParameter } from './operations.ts'
import { Rate } from './rate.ts'
import type { Credentials } from './sigv4.ts'
import { Ssm } from './ssm.ts'
import type { ParameterType } from './ssm-checks.ts'

/** Shared by GetParameter, GetParameters and GetParametersByPath. */
const DEFAULT_READS_PER_SECOND = 40

/** How `deploy` deploys when nothing else is said: to everybody, at once. */
const AT_ONCE: Strategy = {
  id: 'atonce0',
  name: 'at once',
  durationMinutes: 0,
  growthType: 'LINEAR',
  growthFactor: 100,
  bakeMinutes: 0,
  replicateTo: 'NONE',
}

export class Account implements AwsOperations {
  readonly id = '111122223333'
  readonly region = 'eu-west-1'
  /** By access key. */
  readonly credentials = new Map<string, Credentials>()
  readonly clock = new Clock()
  readonly faults = new Faults()
  readonly events: Events
  readonly ssm: Ssm
  readonly appConfig: AppConfig
  readonly appConfigRoutes: AppConfigRoutes
  readonly appConfigData: AppConfigData
  readonly reads = new Rate(DEFAULT_READS_PER_SECOND)
  readonly log: Call[] = []
  isDown = false
  signatureSkewMs = 0

  constructor(credentials: Credentials = newCredentials()) {
    const { id } = this
    this.credentials.set(credentials.accessKeyId, credentials)
    this.events = new Events(id)
    this.ssm = new Ssm(this.clock, id, (name, operation, type) =>
      this.#parameterChanged(name, operation, type),
    )
    this.appConfig = new AppConfig(this.clock, (application, environment, deployment, what) => {
      const detail = {
        Type: `OnDeployment${what}`,
        Application: { Id: application.id, Name: application.name },
        Environment: { Id: environment.id, Name: environment.name },
        ConfigurationProfile: { Id: deployment.profileId, Name: deployment.profileName },
        DeploymentNumber: deployment.number,
        ConfigurationVersion: String(deployment.version),
      }
      const change = {
        source: 'aws.appconfig',
        detailType: `On Deployment ${what}`,
        resources: [],
        detail,
      } as const
      this.events.publish(change, this.region, this.clock.nowMs())
    })
    this.appConfigRoutes = new AppConfigRoutes(this.appConfig, id)
    this.appConfigData = new AppConfigData(this.appConfig, this.clock, id)
  }

  #parameterChanged(name: string, operation: string, type: ParameterType): void {
    const resources = [`arn:aws:ssm:${this.region}:${this.id}:parameter${name}`]
    const change = { source: 'aws.ssm', detailType: 'Parameter Store Change', resources } as const
    this.events.publish({ ...change, detail: { name, operation, type } }, this.region, this.clock.nowMs())
  }

  putParameter(name: string, value: string, type?: 'String' | 'SecureString'): number {
    return this.ssm.put(name, value, type)
  }

  removeParameter(name: string): void {
    this.ssm.remove(name)
  }

  labelParameter(name: string, version: number, label: string): void {
    this.ssm.label(name, version, label)
  }

  parameters(): Record<string, StoredParameter> {
    return this.ssm.values()
  }

  setAwkwardPages(on: boolean): void {
    this.ssm.awkwardPages = on
    this.appConfig.awkwardPages = on
  }

  makePlace(place: Place): { applicationId: string; environmentId: string; profileId: string } {
    const { application, environment, profile } = this.#place(place)
    return { applicationId: application.id, environmentId: environment.id, profileId: profile.id }
  }

  createVersion(place: Place, content: string): number {
    const { profile } = this.#place(place)
    const contentType = 'application/json'
    return this.appConfig.createVersion(profile, Buffer.from(content), { contentType }).number
  }

  deploy(place: Place, content: string, strategy?: string): number {
    const { application, environment, profile } = this.#place(place)
    const number = this.createVersion(place, content)
    const known =
      strategy === undefined ? AT_ONCE : this.appConfig.strategies.find(({ id }) => id === strategy)
    if (known === undefined) throw new Error(`[aws] there is no deployment strategy ${strategy}`)
    return this.appConfig.start(application, environment, profile, String(number), known).number
  }

  versions(place: Place): Record<number, string> {
    const { versions } = this.#place(place).profile
    return Object.fromEntries(
      versions.map(({ number, content }) => [number, Buffer.from(content).toString()]),
    )
  }

  deployments(place: Place): DeploymentStatus[] {
    return this.#place(place).environment.deployments.map((each) => this.#status(each))
  }

  alarm(place: Place, name: string): void {
    this.appConfig.alarm(this.#place(place).environment, name)
  }

  setPollInterval(seconds: number | null): void {
    this.appConfigData.intervalSeconds = seconds
  }

  setBucket(bucket: number): void {
    this.appConfigData.bucket = bucket
  }

  forgetTokens(): void {
    this.appConfigData.forgetTokens()
  }

  advance(ms: number): void {
    this.clock.advance(ms)
  }

  stopClock(): void {
    this.clock.stop()
  }

  setSignatureSkew(ms: number): void {
    this.signatureSkewMs = ms
  }

  fail(fault: Fault): void {
    this.faults.add(fault)
  }

  heal(): void {
    this.faults.heal()
    this.isDown = false
  }

  setDown(down: boolean): void {
    this.isDown = down
  }

  setReadRate(perSecond: number): void {
    this.reads.set(perSecond)
  }

  calls(): readonly Call[] {
    return this.log
  }

  forgetCalls(): void {
    this.log.length = 0
  }

  notify(url: string, headers: Readonly<Record<string, string>> = {}): void {
    this.events.deliverTo(url, headers)
  }

  deliveries(): readonly number[] {
    return this.events.deliveries
  }

  #place({ application: name, environment, profile, type = 'AWS.Freeform' }: Place) {
    const { applications } = this.appConfig
    const application =
      applications.find((each) => each.name === name) ?? this.appConfig.createApplication(name)
    return {
      application,
      environment: named<Environment>(application.environments, environment, () =>
        this.appConfig.createEnvironment(application, environment),
      ),
      profile: named<Profile>(application.profiles, profile, () =>
        this.appConfig.createProfile(application, profile, type, 'hosted'),
      ),
    }
  }

  #status(deployment: Deployment): DeploymentStatus {
    const { State, PercentageComplete } = showDeployment(deployment, this.clock.nowMs())
    const { number, version, profileName } = deployment
    return { number, version, profile: profileName, state: State, percentage: PercentageComplete }
  }
}

const named = <T extends { readonly name: string }>(all: readonly T[], name: string, make: () => T): T =>
  all.find((each) => each.name === name) ?? make()

export const newCredentials = (): Credentials => ({
  accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(30).toString('base64'),
  sessionToken: randomBytes(60).toString('base64'),
})
