/**
 * What a profile of type `AWS.AppConfig.FeatureFlags` holds, as its authors write it. Types, and the words of it that have
 * a meaning in Turnout. Source: https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
 */
import type { ShortFlag } from '../../../engine/index.ts'

export interface Profile {
  readonly version: '1'
  readonly flags?: Readonly<Record<string, Definition>>
  readonly values?: Readonly<Record<string, Value>>
}

export type Attribute = string | number | boolean | readonly string[] | readonly number[]

export interface Definition {
  readonly name?: string
  readonly description?: string
  readonly attributes?: Readonly<
    Record<string, { readonly description?: string; readonly constraints?: object }>
  >
}

export interface Value {
  readonly enabled?: boolean
  readonly _variants?: readonly Variant[]
  /** Beside these and AWS's own times: attributes. */
  readonly [attribute: string]: unknown
}

export interface Variant {
  readonly name: string
  readonly enabled: boolean
  /** Absent or empty: the default, which stands last. */
  readonly rule?: string
  readonly attributeValues?: Readonly<Record<string, Attribute>>
}

export const EMPTY_PROFILE: Profile = { version: '1', flags: {}, values: {} }

/** AWS's own, on flags and values: kept, never read. */
export const AWS_FIELDS: readonly string[] = ['_createdAt', '_updatedAt', '_variants']

/** Attributes that are fields of a short form; every other is metadata. */
export const SHORT_FIELDS: readonly string[] = Object.keys({
  ...{ percentage: true, rolloutPercentage: true, allowlist: true, allowedUsers: true, denylist: true },
  ...{ countries: true, continents: true, regions: true },
  ...{ owner: true, tags: true, kind: true, expiresAt: true, bucketBy: true, salt: true, client: true },
} satisfies Record<
  Exclude<keyof Extract<ShortFlag, object>, 'enabled' | 'description' | 'prerequisites' | 'metadata'>,
  true
>)

/** AWS's limits: characters of a text, and attributes and variants of a flag. */
export const MAX_TEXT = 1024
export const MAX_ATTRIBUTES = 25
export const MAX_VARIANTS = 32

/**
 * A flag of several variants has no switch of its own in AWS. Turnout turns one off with this variant before all others,
 * whose rule always holds: every reader of the profile then gets `enabled: false`, and nothing else of the flag changes.
 */
export const OFF_VARIANT: Variant = {
  name: 'turnout-off',
  enabled: false,
  rule: '(or (exists key::"turnout") (not (exists key::"turnout")))',
}

export const isOffVariant = (variant: unknown): boolean => {
  const { name, enabled, rule } = (variant ?? {}) as Partial<Variant>
  return name === OFF_VARIANT.name && enabled === false && rule === OFF_VARIANT.rule
}
