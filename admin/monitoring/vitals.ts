/** How the parts of the control plane are: what each knows of itself, and what that means. Pure, plain data. */

/** A copy elsewhere that is not up to date yet. */
export interface Owed {
  readonly effect: string
  /** Attempts that failed; 0: it was not tried yet. */
  readonly attempts: number
  /** When it is tried next, ms since 1970. */
  readonly dueAtMs: number
}

/** What an environment's object says of itself. */
export interface EnvironmentVitals {
  readonly epoch: number
  readonly version: number
  readonly killsVersion: number
  /** Kills that hold. */
  readonly kills: number
  readonly owed: readonly Owed[]
  /** Every location that ever reported. */
  readonly locations: readonly string[]
  readonly store: StoreVitals
  /** What is wrong with the stored document, as a sentence; `null`: it can be read. */
  readonly damage: string | null
}

/** How the store is in which an environment's document lives. */
export interface StoreVitals {
  readonly kind: string
  /** A sentence; `null`: all is well. */
  readonly problem: string | null
  /** When all was well the last time, ms since 1970; `null`: never, or it is embedded. */
  readonly okAtMs: number | null
}

/** What the directory says of an environment. */
export interface DirectoryLine {
  readonly name: string
  readonly epoch: number
  readonly version: number
}

export interface ProjectVitals {
  /** Those in scope, by name. */
  readonly environments: readonly DirectoryLine[]
  readonly owed: readonly Owed[]
}

export interface WebhooksVitals {
  readonly webhooks: number
  /** Webhooks whose last attempt failed. */
  readonly failing: number
  readonly pending: number
  readonly dead: number
}

/** A question's answer, or why there is none. */
export type Heard<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly cause: string }

export interface Vitals {
  readonly project: Heard<ProjectVitals>
  readonly webhooks: Heard<WebhooksVitals>
  /** Whether the namespace of the last-known-good copies can be read. */
  readonly lastKnownGood: Heard<null>
  readonly environments: readonly {
    readonly listed: DirectoryLine
    readonly heard: Heard<EnvironmentVitals>
  }[]
}

export type Status = 'ok' | 'degraded' | 'unavailable'

export interface Component {
  /** `project`, `webhooks`, `last-known-good`, or `environment:NAME`. */
  readonly name: string
  readonly status: Status
  /** A sentence each; none where all is well. */
  readonly problems: readonly string[]
}

/** How many versions the directory is behind an environment. */
export const directoryLag = (listed: DirectoryLine, own: EnvironmentVitals): number =>
  Math.max(own.version - listed.version, own.epoch === listed.epoch ? 0 : 1)

export function componentsOf({ project, webhooks, lastKnownGood, environments }: Vitals): Component[] {
  return [
    component('project', project, ({ owed }) => owed.flatMap(lateness)),
    component('webhooks', webhooks, ({ failing }) => (failing === 0 ? [] : [`${failing} webhooks fail`])),
    component('last-known-good', lastKnownGood, () => []),
    ...environments.map(({ listed, heard }) =>
      component(`environment:${listed.name}`, heard, ({ owed, store, damage }) => [
        ...owed.flatMap(lateness),
        ...(damage === null ? [] : [`${damage}; kills work`]),
        ...(store.problem === null ? [] : [`${store.kind}: ${store.problem}`]),
      ]),
    ),
  ]
}

/** Without the project's object nobody but the bootstrap token is known, and no list can be answered. */
export function overall(components: readonly Component[]): Status {
  if (components.some(({ name, status }) => name === 'project' && status === 'unavailable'))
    return 'unavailable'
  return components.every(({ status }) => status === 'ok') ? 'ok' : 'degraded'
}

function component<T>(name: string, heard: Heard<T>, problemsOf: (value: T) => string[]): Component {
  if (!heard.ok) return { name, status: 'unavailable', problems: [heard.cause] }
  const problems = problemsOf(heard.value)
  return { name, status: problems.length === 0 ? 'ok' : 'degraded', problems }
}

/** What was not tried yet is no problem: it is on its way. */
const lateness = ({ effect, attempts }: Owed): string[] =>
  attempts === 0 ? [] : [`${effect} is late: ${attempts} attempts failed`]
