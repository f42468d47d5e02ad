/** What the edge signs for an origin: the shape of `x-turnout-context`. Types only. */
import type { Metadata, Reason } from './decision.ts'
import type { JsonValue, Key, Name } from './document.ts'

/** What stands in a signed context for one flag: an error code, or value, variant and reason, and metadata where there is any. */
export type SignedAnswer =
  | readonly [errorCode: string]
  | readonly [value: JsonValue, variant: Name, reason: Reason, metadata?: Metadata]

/** Claims of a signed context. Times in seconds since 1970. */
export interface SignedContext {
  /** Environment. */
  readonly iss: string
  /** Host of the origin that it is for, with the port where it names one. */
  readonly aud: string
  /** Targeting key, where the request has one. */
  readonly sub?: string
  readonly iat: number
  readonly exp: number
  /** Snapshot version and kill version that were in force. */
  readonly version: number
  readonly kills: number
  readonly route: string
  /** Variant whose origin this is. */
  readonly variant: Name
  /** Only the route's flag is in it: all of them would not have fitted. */
  readonly partial?: true
  readonly flags: Readonly<Record<Key, SignedAnswer>>
}
