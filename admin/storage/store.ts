/**
 * The seam of storage: where an environment's authored document lives. Embedded it is the environment's own SQLite; in AWS
 * (`ssm`, `appconfig`) it is the source of truth, and SQLite holds what was last read or written there.
 */
import type { CompileIssue, FlagDocument, Kill, Result } from '../../engine/index.ts'
import type { StoreKind } from '../config/store-config.ts'

/** Names one state of a store, in words of its own; two states that differ have different ones. */
export type Revision = string

export interface Loaded {
  readonly revision: Revision
  /** As found: it may hold anything, and has not been compiled. */
  readonly document: FlagDocument
  /** Copies of kills. One that is missing ends nothing. */
  readonly kills: readonly Kill[]
  /** What is strange about it, but harms nothing. */
  readonly warnings: readonly CompileIssue[]
  /** Why it is as it is, if the store knows: `rolled back by alarm …`. */
  readonly reason: string | null
  /** There is nothing at all: no flag, no kill, not even an empty document. */
  readonly blank: boolean
}

export interface FlagStore {
  readonly kind: StoreKind
  /** Which place it is, for people: `ssm /turnout/prod in eu-west-1`. Another place is another store. */
  readonly place: string
  /** ms until the next load is due, as the store wants it. */
  readonly pollAfterMs: number
  /** `unchanged`: it is still at `known`. `pushed`: somebody said that it has changed. */
  load(known: Revision | null, pushed?: boolean): Promise<Result<Loaded | 'unchanged', StoreError>>
  /** Writes the document, all of it or nothing. Fails with `changed` where the store is no longer at `expected`. */
  save(document: FlagDocument, expected: Revision): Promise<Result<Revision, StoreError>>
  /** Replaces the copy of the kills. `null`: this store cannot hold any. */
  readonly saveKills:
    | ((kills: readonly Kill[], expected: Revision) => Promise<Result<Revision, StoreError>>)
    | null
}

export type StoreError =
  /** No answer, or none that helps: it may work a little later. */
  | { readonly reason: 'unavailable'; readonly detail: string }
  /** Credentials, permissions, or a place that does not exist: a person must act. */
  | { readonly reason: 'denied'; readonly detail: string }
  /** What is there cannot be read, or what is to be written does not fit. */
  | { readonly reason: 'invalid'; readonly errors: readonly CompileIssue[] }
  /** Somebody else wrote meanwhile; nothing of ours is in effect. */
  | { readonly reason: 'changed'; readonly detail: string; readonly overwritten: Overwritten | null }
  /** Another change is on its way; nothing of ours was written. `sinceMs`: when that began. */
  | { readonly reason: 'busy'; readonly detail: string; readonly sinceMs: number }

/** A value that stood there for a moment, before ours took its place and was taken back. */
export interface Overwritten {
  readonly name: string
  readonly value: string
}

/** Thrown inside of a store, answered by `answering`. */
export class StoreFailure extends Error {
  readonly error: StoreError

  constructor(error: StoreError, options?: ErrorOptions) {
    super(sentenceOf(error), options)
    this.error = error
  }
}

/** Expected failures become values; anything else is a bug and stays thrown. */
export async function answering<T>(work: () => Promise<T>): Promise<Result<T, StoreError>> {
  try {
    return { ok: true, value: await work() }
  } catch (thrown) {
    if (thrown instanceof StoreFailure) return { ok: false, error: thrown.error }
    throw thrown
  }
}

/** Errors that a sentence names; the others it counts. */
const NAMED = 3

/** In one line, for a log or a list. */
export function sentenceOf(error: StoreError): string {
  if (error.reason !== 'invalid') return error.detail
  const named = error.errors.slice(0, NAMED).map(({ path, message }) => `${path} ${message}`)
  const more = error.errors.length - named.length
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
}
