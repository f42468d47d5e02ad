/** What a command has to do with beside its own arguments and options. */
import type { Output } from './output.ts'

export type Variables = Readonly<Record<string, string | undefined>>

/** The machine and the person in front of it; tests bring their own. */
export interface Host {
  readonly env: Variables
  /** Root of the project: where a local run keeps its state. */
  readonly root: string
  /** Where relative paths of files begin. */
  readonly cwd: string
  /** The user's folder for settings of programs, e.g. ~/.config. */
  readonly configHome: string
  readonly terminal: Terminal
  /** Resolves after that many milliseconds. */
  wait(ms: number): Promise<unknown>
  nowMs(): number
}

export interface Terminal {
  /** Somebody sits there: questions can be asked. */
  readonly answers: boolean
  /** Standard output is a screen, of which lines can be written again. */
  readonly screen: boolean
  /** Its width in characters. */
  readonly columns: number
  /** One line, without being shown while it is typed if it is secret. `null`: no answer. */
  ask(question: string, how?: { readonly secret?: boolean }): Promise<string | null>
  /** Everything on standard input. */
  read(): Promise<string>
}

/** Options of every command. */
export interface CommonOptions {
  readonly env?: string
  readonly context?: string
  readonly url?: string
  readonly token?: string
  readonly json?: boolean
  readonly yes?: boolean
}

export interface World extends Host {
  readonly output: Output
  readonly common: CommonOptions
}
