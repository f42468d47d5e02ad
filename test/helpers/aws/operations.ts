/**
 * What a test does in an account of the emulator, and sees of it: the console, Terraform, alarms, outages and the log of
 * calls. Types only, so that a test inside workerd can use them too (`remote.ts`).
 */

/** One call that was understood, for assertions on what was asked, how often and of what. */
export interface Call {
  /** As IAM names it: `ssm:PutParameter`. */
  readonly action: string
  /** ARNs of what the action acts on, all of which an IAM policy must allow; `*` where the action knows none. */
  readonly resources: readonly string[]
  readonly region: string
  /** By the emulator's clock. */
  readonly atMs: number
  readonly input: Readonly<Record<string, unknown>>
  /** HTTP status of the answer; 0: the connection was cut. */
  readonly status: number
  /** The exception's name, where it was refused. */
  readonly error: string | null
}

/** Something that goes wrong. */
export interface Fault {
  /** As IAM names it (`ssm:PutParameter`), a service (`ssm:*`), or everything (`*`). */
  readonly action: string
  /** So many such calls pass before the first that fails. Default 0. */
  readonly after?: number
  /** So many fail, then the fault is over. Default: until `heal`. */
  readonly times?: number
  readonly does: /** An answer that is AWS's own refusal. */
    | { readonly type: string; readonly message?: string; readonly status?: number }
    /** Something in between answers: HTML, and not AWS. */
    | { readonly html: string; readonly status: number }
    /** The connection is cut before anything is done. */
    | 'cut'
    /** It is done, and the connection is cut before the answer. */
    | 'lose-answer'
    /** The answer comes, so many milliseconds late. */
    | { readonly lateMs: number }
}

export interface StoredParameter {
  readonly value: string
  readonly version: number
  readonly type: string
  readonly tier: string
}

/** Names of things in AppConfig; made where they are not there yet. */
export interface Place {
  readonly application: string
  readonly environment: string
  readonly profile: string
  /** Of a profile that is made. Default `AWS.Freeform`. */
  readonly type?: string
}

export interface DeploymentStatus {
  readonly number: number
  readonly version: number
  readonly profile: string
  readonly state: string
  readonly percentage: number
}

export interface AwsOperations {
  // Parameter Store, from outside.
  /** Answers the version. */
  putParameter(name: string, value: string, type?: 'String' | 'SecureString'): number
  removeParameter(name: string): void
  labelParameter(name: string, version: number, label: string): void
  parameters(): Readonly<Record<string, StoredParameter>>

  // AppConfig, from outside.
  /** Makes what is missing; answers the ids. */
  makePlace(place: Place): { applicationId: string; environmentId: string; profileId: string }
  /** A new version of the profile, not deployed. Answers its number. */
  createVersion(place: Place, content: string, contentType?: string): number
  /** A new version, deployed at once unless `strategy` says otherwise. Answers the deployment's number. */
  deploy(place: Place, content: string, strategy?: string): number
  /** Content of all versions by number, as AWS keeps it. */
  versions(place: Place): Readonly<Record<number, string>>
  deployments(place: Place): readonly DeploymentStatus[]
  /** An alarm of the environment goes off: a running deployment is rolled back. */
  alarm(place: Place, name: string): void
  /** What `GetLatestConfiguration` says to wait; null: what the session asked for. */
  setPollInterval(seconds: number | null): void
  /** Where pollers stand among all, 0 to 99; default 50. */
  setBucket(bucket: number): void
  /** All tokens are unknown from now on. */
  forgetTokens(): void

  // Time and trouble.
  /** Pages come shorter than asked for, and one of Parameter Store's empty, as AWS allows itself. */
  setAwkwardPages(on: boolean): void
  /** Moves the clock of tokens, intervals and deployments. */
  advance(ms: number): void
  /** Time passes by `advance` alone. */
  stopClock(): void
  /** What AWS thinks the time is when it checks signatures: real time and this. */
  setSignatureSkew(ms: number): void
  fail(fault: Fault): void
  /** No more faults, and up again. */
  heal(): void
  /** Connections are cut before anything is read. */
  setDown(down: boolean): void
  /** Reads of Parameter Store in a second before `ThrottlingException`; default 40, which is AWS's. */
  setReadRate(perSecond: number): void

  /** Calls with a good signature, oldest first. */
  calls(): readonly Call[]
  forgetCalls(): void
  /** EventBridge: changes are posted to an address, with these headers. */
  notify(url: string, headers?: Readonly<Record<string, string>>): void
  /** Status of each delivery so far; 0: it did not arrive. */
  deliveries(): readonly number[]
}

/** The names, for those who pass calls on. */
export const OPERATIONS = [
  'putParameter',
  'removeParameter',
  'labelParameter',
  'parameters',
  'setAwkwardPages',
  'makePlace',
  'createVersion',
  'deploy',
  'versions',
  'deployments',
  'alarm',
  'setPollInterval',
  'setBucket',
  'forgetTokens',
  'advance',
  'stopClock',
  'setSignatureSkew',
  'fail',
  'heal',
  'setDown',
  'setReadRate',
  'calls',
  'forgetCalls',
  'notify',
  'deliveries',
] as const satisfies readonly (keyof AwsOperations)[]
