/** What every change takes: a reason, and the hammer beside the glass. */
import type { Command } from './command.ts'
import { UsageError } from './failure.ts'
import { reasonOption } from './options.ts'

export interface ChangeOptions {
  readonly reason?: string
  readonly breakGlass?: boolean
}

export const changing = (command: Command): Command => breakable(command.addOption(reasonOption()))

/** The same for a command with a `--reason` of its own. */
export const breakable = (command: Command): Command =>
  command.option('--break-glass', 'admins: past approvals, windows and freezes; leaves a review')

/** How a change is told to the API. */
export interface Change {
  /** For the query, or the body where that takes it. */
  readonly note: { readonly reason?: string }
  readonly headers: Readonly<Record<string, string>>
}

/** Throws `UsageError`. */
export function changeOf({ reason, breakGlass = false }: ChangeOptions): Change {
  if (breakGlass && reason === undefined) throw new UsageError('--break-glass needs --reason')
  return {
    note: reason === undefined ? {} : { reason },
    headers: breakGlass ? { 'x-turnout-break-glass': 'true' } : {},
  }
}
