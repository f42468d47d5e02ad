/** The two ways a command ends badly, both meant for the user's eyes: any other error is a bug. */
import type { CompileIssue } from '../engine/index.ts'
import { EXIT } from './exit.ts'

/** One thing that is wrong with what was read. */
export interface Finding extends CompileIssue {
  /** Where the value came from, if `path` does not say it: the name of a parameter. */
  readonly from?: string
}

/** The command line is wrong: one sentence, followed by the usage. Exit code 2. */
export class UsageError extends Error {
  /** Lines on how it is used; absent: the command that was asked for knows. */
  readonly usage: string | undefined

  constructor(message: string, { usage, ...options }: ErrorOptions & { readonly usage?: string } = {}) {
    super(message, options)
    this.usage = usage
  }
}

/** The command could not be carried out: a sentence, and what exactly is wrong. Exit code 1. */
export class Failure extends Error {
  readonly findings: readonly Finding[]
  readonly exitCode: number = EXIT.failed
  /** What was found out all the same, for `--json`. */
  readonly result: object = {}

  constructor(message: string, findings: readonly Finding[] = [], options?: ErrorOptions) {
    super(message, options)
    this.findings = findings
  }
}

/** `$.flags.beta.percentage: must be …, got 150 (from /flags/prod/beta)` */
export const showFinding = ({ path, message, from }: Finding): string =>
  `${path}: ${message}${from === undefined ? '' : ` (from ${from})`}`
