/** What the benchmark needs of an engine. Types only. */
import type { User } from '../flags.ts'

/** An engine with the flags of the benchmark loaded; `Context` is a user as the engine wants to be told of one. */
export interface Engine<Context = object> {
  context(user: User): Context
  /** Kinds a, b and c. */
  boolean(key: string, context: Context): boolean
  /** Kind d. */
  text(key: string, context: Context): string
}

export type Load = (users: readonly User[], flags: number) => Promise<Engine>
