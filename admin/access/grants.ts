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

/** A token, and who is behind it. */
export interface ShownToken extends Token {
  /** First of those who made it, its maker's token, and so on; `null`: the bootstrap token made it. */
  readonly maker: string | null
}

export const principalOfToken = ({ name, role, projects, environments, maker }: ShownToken): Principal => ({
  id: tokenActor(name),
  role,
  projects,
  environments,
  ...(maker === null ? {} : { maker }),
})

const ACTOR = 'token:'

const tokenActor = (name: string): string => `${ACTOR}${name}`

/** `null`: the actor is no token. */
export const tokenNameOf = (actor: string): string | null =>
  actor.startsWith(ACTOR) ? actor.slice(ACTOR.length) : null

/** Longer chains of tokens that made tokens are nobody's. */
const MAX_MAKERS = 100

/** See `ShownToken`. `named`: the token of that name. */
export function makerOf(token: Token, named: (name: string) => Token | null): string | null {
  let maker = token.createdBy
  if (maker === BOOTSTRAP_ID) return null
  for (let makers = 1; makers < MAX_MAKERS && maker.startsWith(ACTOR); makers++) {
    const above = named(maker.slice(ACTOR.length))
    if (above === null || above.createdBy === BOOTSTRAP_ID) break
    maker = above.createdBy
  }
  return maker
}

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
