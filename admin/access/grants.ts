/** What is stored of those who may call the API: tokens, which are secrets, and people, who come through an identity proxy. Plain data. */
import { BOOTSTRAP_ID, type Principal, type Role, type Scope } from './principal.ts'

/** An API token. Its text is shown once and stored nowhere; only its hash is. */
export interface Token extends Scope {
  readonly id: string
  /** Unique for ever, so that an actor in the audit log means one token. */
  readonly name: string
  readonly role: Role
  /** ms since 1970 */
  readonly createdAtMs: number
  readonly createdBy: string
  /** ms since 1970; `null`: never */
  readonly expiresAtMs: number | null
  readonly revokedAtMs: number | null
  /** To the minute. */
  readonly lastUsedAtMs: number | null
}

/** A person or service that Cloudflare Access has identified. */
export interface Person extends Scope {
  /** An e-mail address in lower case, or `service:NAME` for a service token. */
  readonly id: string
  readonly role: Role
  readonly createdAtMs: number
  readonly createdBy: string
  readonly lastUsedAtMs: number | null
}

export const principalOfToken = ({ name, role, projects, environments, createdBy }: Token): Principal => ({
  id: `token:${name}`,
  role,
  projects,
  environments,
  ...(createdBy === BOOTSTRAP_ID ? {} : { maker: createdBy }),
})

export const principalOfPerson = ({ id, role, projects, environments }: Person): Principal => ({
  id,
  role,
  projects,
  environments,
})

/** `^[a-z0-9][a-z0-9._-]{0,62}$`: goes into actors, logs and addresses. */
export const TOKEN_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

/** Most tokens that are neither revoked nor expired. */
export const MAX_TOKENS = 1_000
export const MAX_PEOPLE = 5_000
