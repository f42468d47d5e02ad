/** Who calls the admin API and what they may do. Pure, plain data. */

/** Each role may do what the ones before it may. */
export const ROLES = ['viewer', 'operator', 'editor', 'admin'] as const
/** `viewer` reads; `operator` also toggles and kills; `editor` also edits; `admin` also manages access and settings. */
export type Role = (typeof ROLES)[number]

/** Where a principal may act. `null`: everywhere. Both must allow an environment. */
export interface Scope {
  /** Names of projects; the default project is `default`. */
  readonly projects: readonly string[] | null
  /** Whole names of environments, such as `media-register.prod`. */
  readonly environments: readonly string[] | null
}

export interface Principal extends Scope {
  /** As versions, kills and the audit log name them: `bootstrap`, `token:NAME`, an e-mail address, `service:NAME`. */
  readonly id: string
  readonly role: Role
  /**
   * Of a token: who is behind it, having made it or the token that did, and so may have kept its text. Not said of those that the
   * bootstrap token made, in a set-up.
   */
  readonly maker?: string
}

/** Whoever set up; its tokens are for others. */
export const BOOTSTRAP_ID = 'bootstrap'

export const EVERYWHERE: Scope = { projects: null, environments: null }

/** Environments without a project's name are in this one. */
const DEFAULT_PROJECT = 'default'

/** `media-register.prod` → `media-register`; `dev` → `default`. */
function projectOf(environment: string): string {
  const dot = environment.indexOf('.')
  return dot < 0 ? DEFAULT_PROJECT : environment.slice(0, dot)
}

export const hasRole = (principal: Pick<Principal, 'role'>, needed: Role): boolean =>
  ROLES.indexOf(principal.role) >= ROLES.indexOf(needed)

export const covers = ({ projects, environments }: Scope, environment: string): boolean =>
  (projects === null || projects.includes(projectOf(environment))) &&
  (environments === null || environments.includes(environment))

/** Whether every environment that `inner` allows is allowed by `outer` too. */
export const isWithin = (inner: Scope, outer: Scope): boolean =>
  contains(outer.environments, inner.environments) &&
  (contains(outer.projects, inner.projects) ||
    (inner.environments?.every((name) => covers(outer, name)) ?? false))

const contains = (outer: readonly string[] | null, inner: readonly string[] | null): boolean =>
  outer === null || (inner?.every((name) => outer.includes(name)) ?? false)
