/**
 * The authored document: what people write, by hand or through the admin API. Types only.
 * What machines read is the Snapshot (snapshot.ts); compile.ts turns the one into the other.
 */
import type { BreakerSettings } from './breaker.ts'
import type { HealthSettings } from './health.ts'
import type { Operator } from './operators.ts'
import type { Stage } from './stages.ts'

/** `^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$` */
export type Key = string
/** Name of a variant; same pattern as a key. */
export type Name = string
/** Looked up in the context as an own key first, then as a dotted path through own properties. */
export type AttributePath = string

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

export interface FlagDocument {
  flags: Record<Key, Flag | ShortFlag>
  segments?: Record<Key, Segment>
  /** In order, first match wins. */
  routes?: Route[]
}

export const FLAG_KINDS = ['release', 'experiment', 'ops', 'permission', 'migration'] as const
export type FlagKind = (typeof FLAG_KINDS)[number]

export interface Flag {
  description?: string
  owner?: string
  tags?: string[]
  kind?: FlagKind
  /** RFC 3339. Lifecycle only: an expired flag still evaluates. */
  expiresAt?: string
  /** `false`: every evaluation serves `off`, reason DISABLED. */
  enabled: boolean
  /** All of one JSON type. Default `{ on: true, off: false }`. */
  variants?: Record<Name, JsonValue>
  /** The variant served when the flag is disabled or killed. Default `'off'`. */
  off?: Name
  prerequisites?: Prerequisite[]
  /** In order, first match wins. */
  rules?: Rule[]
  /** Served when no rule matched. */
  fallthrough: Serve
  /** Attribute whose value is hashed. Default `'targetingKey'`. */
  bucketBy?: AttributePath
  /** Flags with the same salt share their users on purpose. Default: the flag's key. */
  salt?: string
  /** Visible to browsers (values only). Default `false`. */
  client?: boolean
  metadata?: Record<string, string | number | boolean>
  /** Of a flag of kind `migration` whose variants are stages. */
  migration?: {
    /** Who has reached this stage does not go back before it. Default: none. */
    pointOfNoReturn?: Stage
    /** From there on these flags serve these variants only: what is behind the others needs the side that was left. */
    binds?: Record<Key, Name[]>
  }
}

/** A flag whose defaults are written out. */
export type CanonicalFlag = Flag & Required<Pick<Flag, 'variants' | 'off' | 'rules'>>

export interface Prerequisite {
  flag: Key
  variants: Name[]
}

export interface Rule {
  id: string
  description?: string
  when?: Condition
  /** Percent of the hash space, 0…100 in steps of 0.001, or the weight of a running rollout. */
  percentage?: number | { rollout: Key }
  serve: Serve
}

/** One variant, or weights ≥ 0 with a positive sum; a variant's share is its weight over the sum. */
export type Serve = Name | Record<Name, number>

/** Members: `exclude` beats `include` beats `when`; both lists compare the targeting key. */
export interface Segment {
  description?: string
  include?: string[]
  exclude?: string[]
  when?: Condition
}

export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | { segment: Key }
  | { attribute: AttributePath; op: Operator; value?: JsonValue }

/** What AppConfig and SSM values hold today. Denylisted → off; allowlisted → on; else on iff place and percentage match. */
export type ShortFlag =
  | boolean
  | 'true'
  | 'false'
  | {
      enabled: boolean
      prerequisites?: Prerequisite[]
      percentage?: number
      rolloutPercentage?: number
      allowlist?: string[]
      allowedUsers?: string[]
      denylist?: string[]
      countries?: string[]
      continents?: string[]
      regions?: string[]
      description?: string
      owner?: string
      tags?: string[]
      kind?: FlagKind
      expiresAt?: string
      bucketBy?: AttributePath
      salt?: string
      client?: boolean
      metadata?: Record<string, string | number | boolean>
    }

export type Identity =
  | 'cookie'
  | 'ip'
  | { header: string }
  | { cookie: string }
  | { query: string }
  | { jwt: JwtIdentity }

/** A verified JSON Web Token: signed by a key of its issuer, for this audience, and not over. */
export interface JwtIdentity {
  /** `iss`, exactly. */
  issuer: string
  /** Where the issuer publishes its keys; https. */
  jwksUrl: string
  /** `aud`, or one of them. */
  audience: string
  /** Name of the claim whose value identifies. Default `'sub'`. */
  claim?: string
  /** Cookie or header that holds the token. Default: the header `authorization`. */
  cookie?: string
  header?: string
}

export interface RouteMatch {
  /** Exact or glob. */
  host?: string
  /** Exact or glob; matched on the normalised path, `*` crosses `/`. */
  path?: string
  methods?: string[]
  headers?: Record<string, string | { glob: string }>
}

/** A route is a flag whose variants are origins. */
export interface Route {
  id: string
  description?: string
  match: RouteMatch
  flag: Key
  origins: Record<Name, Origin>
  /** Served when nothing can be decided. */
  fallback: Name
  /** The first source that exists identifies the visitor. Default `['cookie']`. */
  identity?: Identity[]
  identityTrusted?: boolean
  /** Then the identity cookie is `turnout-id`, without the `__Host-` prefix, for this domain. */
  cookieDomain?: string
  /** Header → value → variant, e.g. `{ "x-canary": { "true": "canary" } }`. */
  overrides?: { header?: Record<string, Record<string, Name>> }
  rewrite?: { stripPrefix?: string; addPrefix?: string }
  /** Each attempt's time to response headers. Default 10 000. */
  timeoutMs?: number
  /** Both attempts together. Default 2 × `timeoutMs`. */
  deadlineMs?: number
  /** PUT and DELETE (and POST and PATCH with an `Idempotency-Key`) may be tried again on the fallback. */
  idempotent?: boolean
  maintenance?: Maintenance
  /** Ends WebSockets and event streams whose visitor is served elsewhere now. Absent: they last as long as they last. */
  drain?: Drain
  /** Of every origin that has no settings of its own; `false`: none. */
  breaker?: Partial<BreakerSettings> | false
  /** Adds `x-turnout-variant`, `-reason`, `-version` and `server-timing` to responses. */
  debug?: boolean
  /** Puts the visitor's client-visible answers into HTML pages. */
  bootstrap?: boolean
  cache?: CacheRules
  mirror?: Mirror
}

/** Copies of requests for a variant whose answers nobody gets. */
export interface Mirror {
  /** Whose origin gets them, where another variant answered. */
  variant: Name
  /** Of the requests, drawn at random: 0…100. */
  percentage: number
  /** Copies of other methods than GET and HEAD too. Default `false`. */
  unsafeMethods?: boolean
  /** JSON pointers (RFC 6901) of what may differ in bodies; a part `*` stands for each key or index. */
  ignore?: string[]
}

export const SPLIT_PAGES = ['private', 'as-is'] as const
export type SplitPages = (typeof SPLIT_PAGES)[number]

/** What the edge keeps of a route's responses, and what it tells others to keep. */
export interface CacheRules {
  /** Keeps responses in the location's cache, as RFC 9111 lets a shared cache. Default `false`. */
  store?: boolean
  /** With `store`: how long a response stays fresh that does not say so itself. Default: it is not kept. */
  ttlSeconds?: number
  /** HTML, where visitors may get different variants: `private, no-cache`, or what its origin says. Default `'private'`. */
  html?: SplitPages
  /** A fingerprinted asset that one variant's origin has not is asked for once at another's. Default `true`. */
  crossArmAssets?: boolean
}

export const DRAIN_MODES = ['immediate', 'graceful'] as const

export interface Drain {
  /** `immediate`: as soon as it is known. `graceful`: within `maxAgeSeconds` after that, spread over that time. */
  mode: (typeof DRAIN_MODES)[number]
  /** Default 300. */
  maxAgeSeconds?: number
}

/** Answers 503 to everybody for whom `flag` is `true`, in place of the route's origins. */
export interface Maintenance {
  flag: Key
  /** Default and only one: 503. */
  status?: 503
  /** Default 60. */
  retryAfterSeconds?: number
  /** HTML, if it begins with `<`, else plain text. For those who ask for JSON, and by default, a problem response. */
  body?: string
}

export interface Origin {
  /** One of `url` or `pool`. */
  url?: string
  pool?: Member[]
  /** How a pool's member is chosen. Default `'geo'`. */
  strategy?: PoolStrategy
  /** Place in the route's chain: the lowest number is first, and the next one is tried when it fails. */
  priority?: number
  /** Variant tried when this one fails. Default: the next by `priority`, else the route's fallback; `null`: none. */
  fallback?: Name | null
  timeoutMs?: number
  headers?: Record<string, string>
  removeHeaders?: string[]
  /** Sends `x-turnout-route`, `-variant`, `-version` and, signed, `-context` to this origin. Default `false`. */
  context?: boolean
  /** Credentials may go to this origin as a fallback on another host. Default `false`. */
  shareCredentials?: boolean
  /** Changes to the route's; `false`: none. */
  breaker?: Partial<BreakerSettings> | false
  /** Its addresses are asked how they are, by these settings over the defaults. Absent or `false`: they are not. */
  health?: Partial<HealthSettings> | false
}

export const POOL_STRATEGIES = ['geo', 'failover', 'weighted'] as const
export type PoolStrategy = (typeof POOL_STRATEGIES)[number]

export interface Member {
  url: string
  region?: string
  /** `geo`: places whose requests come here. */
  continents?: string[]
  countries?: string[]
  /** The lowest number is first. Default 0. */
  priority?: number
  /** `passive` members serve only where no `active` one can. Default `'active'`. */
  role?: 'active' | 'passive'
  /** A member whose P95 over a minute is above it loses its traffic to the next until it recovers. */
  latencyThresholdMs?: number
  /** `weighted`: its share is its weight over the sum. Default 1. */
  weight?: number
  /** Changes to the origin's; `false`: it is not checked. */
  health?: Partial<HealthSettings> | false
}

/** Current weights of running rollouts, by rollout key: an overlay handed to `compile`, never an edit of what a person wrote. */
export interface Overlay {
  rollouts: Record<Key, { flag: Key; variant: Name /** percent, 0…100 */; weight: number }>
}

export const NO_OVERLAY: Overlay = { rollouts: {} }
