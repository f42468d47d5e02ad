/**
 * A change of an environment as plain data: what a caller asks for, what an approval holds until enough people agree, and
 * what a schedule carries out later. Kept as JSON, so every field is JSON.
 */

import type { KillTarget } from '../../engine/index.ts'
import type { Action } from '../audit/actions.ts'
import { actionOf, type Edit } from '../edit.ts'
import type { Chosen } from '../governance/promotion.ts'
import type { KillRequest } from '../objects/kill-switch.ts'
import type { Settings } from '../settings.ts'

export type Change =
  | { readonly do: 'edit'; readonly edit: Edit }
  /** The document of an earlier version becomes the next one. */
  | { readonly do: 'restore'; readonly version: number }
  | { readonly do: 'promote'; readonly promotion: Promotion }
  | { readonly do: 'place-kill'; readonly target: KillTarget; readonly request: KillRequest }
  | { readonly do: 'lift-kill'; readonly target: string }
  /** Ends the kill that holds an origin's breakers open; with `forget` edges forget too what they found of it. */
  | { readonly do: 'release-breaker'; readonly origin: string; readonly forget: boolean }
  | { readonly do: 'settings'; readonly settings: Settings }
  | { readonly do: 'remove-environment' }
  | { readonly do: 'schedule'; readonly schedule: ScheduleRequest }

/** Flags of another environment, as they were there at that version. */
export interface Promotion {
  readonly from: string
  readonly fromVersion: number
  /** JSON of what may be copied of the source's document. */
  readonly text: string
  readonly flags: Chosen
}

/** A merge patch of flags to be made later, and perhaps taken back. */
export interface ScheduleRequest {
  /** ms since 1970 */
  readonly atMs: number
  /** ms since 1970: the flags then become what they were; `null`: the change stays. */
  readonly untilMs: number | null
  /** JSON Merge Patch by flag key, as for PATCH …/flags. */
  readonly text: string
}

/** What the audit log calls a change, and what it is about. `creates`: that was not there before. */
export function actOf(
  change: Change,
  environment: string,
  creates: boolean,
): { action: Action; subject: string } {
  switch (change.do) {
    case 'edit':
      return actionOf(change.edit, creates)
    case 'restore':
      return { action: 'version.restored', subject: `version:${change.version}` }
    case 'promote':
      return { action: 'flags.promoted', subject: 'document' }
    case 'place-kill':
      return { action: 'kill.placed', subject: `kill:${change.target}` }
    case 'lift-kill':
      return { action: 'kill.lifted', subject: `kill:${change.target}` }
    case 'release-breaker':
      return { action: change.forget ? 'breaker.closed' : 'kill.lifted', subject: `origin:${change.origin}` }
    case 'settings':
      return { action: 'environment.updated', subject: `environment:${environment}` }
    case 'remove-environment':
      return { action: 'environment.deleted', subject: `environment:${environment}` }
    case 'schedule':
      return { action: 'schedule.created', subject: 'schedule' }
  }
}
