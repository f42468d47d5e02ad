/** What an evaluation answers. Types, and the few decisions that belong to no flag. */
import type { JsonValue, Key, Name } from './document.ts'

/** OpenFeature's resolution reasons, as far as the engine gives them. */
export type Reason = 'STATIC' | 'DEFAULT' | 'TARGETING_MATCH' | 'SPLIT' | 'DISABLED' | 'ERROR'

/** OpenFeature's error codes, as far as the engine gives them. */
export type ErrorCode = 'FLAG_NOT_FOUND' | 'TARGETING_KEY_MISSING' | 'TYPE_MISMATCH' | 'GENERAL'

export type Metadata = Readonly<Record<string, string | number | boolean>>

/** Immutable; the same decision is the same object, so that whoever writes it out can keep the text. */
export interface Decision {
  readonly flag: Key
  /** `null` if nothing could be decided (`reason` ERROR). */
  readonly variant: Name | null
  readonly value: JsonValue | undefined
  readonly reason: Reason
  /** Id of the rule that served, `null` for every other step. */
  readonly rule: string | null
  /** `TARGETING_KEY_MISSING` may stand beside a value: a rule that needed the key was skipped. */
  readonly errorCode: ErrorCode | null
  /** The flag's own metadata, and `killed`, `override` or `prerequisite` where those decided. */
  readonly metadata: Metadata
  /** Snapshot version and kill version that were in force. */
  readonly version: number
  readonly killVersion: number
}

/** Where and on what terms a decision is asked for. */
export interface At {
  /** Id of the route: kills of that route, and of all routes, apply. */
  readonly route?: string
  /** Variant of a verified signed override: beats everything but a kill. */
  readonly override?: Name
  /** Variant of a header override that the route declares: beats everything but a kill, a signed override and a disabled flag. */
  readonly headerOverride?: Name
}
