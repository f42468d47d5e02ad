/**
 * What every client of this package is: names and shapes that the remote client, the local client, the test client, providers
 * and React share. Types only, so that importing it costs nothing.
 */

/** What a flag can be worth. */
export type Value = boolean | string | number | object

/** OpenFeature's evaluation context: a targeting key and any attributes. */
export interface Context {
  readonly targetingKey?: string
  readonly [attribute: string]: unknown
}

/** Why there is no answer of the flag's own; the value is then the caller's default. OpenFeature's codes. */
export type ErrorCode =
  | 'PROVIDER_NOT_READY'
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TYPE_MISMATCH'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'GENERAL'

/** A check's whole answer. */
export interface Details<T extends Value = Value> {
  readonly key: string
  readonly value: T
  /** Absent where the value is the caller's default. */
  readonly variant?: string
  /** OpenFeature's resolution reason; `STALE`: the last known good answer, which may be old; `ERROR`: see `errorCode`. */
  readonly reason: string
  readonly errorCode?: ErrorCode
  /** The flag's own metadata, where it has any. */
  readonly metadata?: Readonly<Record<string, string | number | boolean>>
}

/** A check and its answer. */
export interface Check extends Details {
  /** For whom, where one client answers for many. */
  readonly targetingKey?: string
}

/** Events, each with what its listeners are given. */
export interface ClientEvents {
  /** As the promise `ready`. */
  ready: undefined
  /** Answers may be others now: keys of the flags that changed, were added or were removed. */
  change: readonly string[]
  /** The edge could not be asked, or refused. The answers at hand stay; the client goes on trying. */
  error: Error
  /** A flag was checked. For exposure counts and test recordings; nothing is done for it while nobody listens. */
  check: Check
}

/** Checks never throw, never wait and make no request. */
export interface Client {
  /** Settles when the first answers are in, or could not be had; never rejects. */
  readonly ready: Promise<void>
  boolean(key: string, defaultValue: boolean, context?: Context): boolean
  string(key: string, defaultValue: string, context?: Context): string
  number(key: string, defaultValue: number, context?: Context): number
  object<T extends object>(key: string, defaultValue: T, context?: Context): T
  booleanDetails(key: string, defaultValue: boolean, context?: Context): Details<boolean>
  stringDetails(key: string, defaultValue: string, context?: Context): Details<string>
  numberDetails(key: string, defaultValue: number, context?: Context): Details<number>
  objectDetails<T extends object>(key: string, defaultValue: T, context?: Context): Details<T>
  /** Answers a function that takes the listener away again. What a listener throws stops nothing here. */
  on<E extends keyof ClientEvents>(event: E, listener: (payload: ClientEvents[E]) => void): () => void
  /** Ends every request, timer and stream; checks go on answering from memory. */
  close(): void
}
