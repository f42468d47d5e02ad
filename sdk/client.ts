/**
 * What every client of this package is: names and shapes that the remote client, the local client, the test client, providers
 * and React share. Types only, so that importing it costs nothing.
 */

/** What a flag can be worth. */
export type Value = boolean | string | number | object

/**
 * The flags of your environment. Empty here, where any key may be asked for as any type; `turnout types` writes a file that
 * fills it, and every client of the program then knows keys, values and variants: `key: { value: boolean; variant: 'on' | 'off' }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled elsewhere
export interface Flags {}

/** Whether nobody has filled `Flags`. */
type Untyped = keyof Flags extends never ? true : false

/** Keys of the flags whose values are of a type; any text while `Flags` is empty. */
export type FlagKey<T = Value> = Untyped extends true
  ? string
  : { [K in keyof Flags]: Flags[K] extends { value: T } ? K : never }[keyof Flags]

/** What a flag is worth; `T` while `Flags` is empty. */
export type FlagValue<K, T = Value> = Untyped extends true ? T : Of<K, 'value'>

/** The names of a flag's variants; any text while `Flags` is empty. */
export type FlagVariant<K> = Untyped extends true ? string : Of<K, 'variant'> & string

type Of<K, Part extends string> = K extends keyof Flags
  ? Flags[K] extends Record<Part, infer What>
    ? What
    : never
  : never

/** OpenFeature's evaluation context: a targeting key and any attributes. */
export interface Context {
  readonly targetingKey?: string
  readonly [attribute: string]: unknown
}

/**
 * Why there is no answer of the flag's own; the value is then the caller's default. OpenFeature's codes. The local client serves the
 * flag's own answer beside `TARGETING_KEY_MISSING`: a rule that needs the key was skipped.
 */
export type ErrorCode =
  | 'PROVIDER_NOT_READY'
  | 'FLAG_NOT_FOUND'
  | 'PARSE_ERROR'
  | 'TYPE_MISMATCH'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'GENERAL'

/** A check's whole answer. */
export interface Details<T extends Value = Value, Variant extends string = string> {
  readonly key: string
  readonly value: T
  /** Absent where the value is the caller's default. */
  readonly variant?: Variant
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
  /** As the promise `ready`; and again when the edge answers after an `error`. */
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
  boolean(key: FlagKey<boolean>, defaultValue: boolean, context?: Context): boolean
  string<K extends FlagKey<string>>(
    key: K,
    defaultValue: FlagValue<K, string>,
    context?: Context,
  ): FlagValue<K, string>
  number(key: FlagKey<number>, defaultValue: number, context?: Context): number
  object<T extends object, K extends FlagKey<object> = FlagKey<object>>(
    key: K,
    defaultValue: FlagValue<K, T>,
    context?: Context,
  ): FlagValue<K, T>
  booleanDetails<K extends FlagKey<boolean>>(
    key: K,
    defaultValue: boolean,
    context?: Context,
  ): Details<boolean, FlagVariant<K>>
  stringDetails<K extends FlagKey<string>>(
    key: K,
    defaultValue: FlagValue<K, string>,
    context?: Context,
  ): Details<FlagValue<K, string>, FlagVariant<K>>
  numberDetails<K extends FlagKey<number>>(
    key: K,
    defaultValue: number,
    context?: Context,
  ): Details<number, FlagVariant<K>>
  objectDetails<T extends object, K extends FlagKey<object> = FlagKey<object>>(
    key: K,
    defaultValue: FlagValue<K, T>,
    context?: Context,
  ): Details<FlagValue<K, T>, FlagVariant<K>>
  /** Answers a function that takes the listener away again. What a listener throws stops nothing here. */
  on<E extends keyof ClientEvents>(event: E, listener: (payload: ClientEvents[E]) => void): () => void
  /** Ends every request, timer and stream; checks go on answering from memory. */
  close(): void
}
