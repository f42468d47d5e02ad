/**
 * Whether a restore would take migrations of a live environment back past their points of no return: what the old side holds has
 * been left behind, whatever the backup says. Inside the caller's transaction.
 */
import { type CompileIssue, child, showPath } from '../../../engine/check.ts'
import type { Document } from '../../document.ts'
import { forbiddenComeback, forbiddenReplacement } from '../../governance/replacement.ts'
import { logWarn, messageOf } from '../../log.ts'
import { killTargets, readKill } from '../../storage/kills.ts'
import type { Lineage, State } from '../../storage/state.ts'
import { reached } from '../kill-target.ts'
import type { Room } from '../room.ts'

/** What is in force before a restore. */
export interface InForce {
  readonly document: Document
  /** Targets. */
  readonly kills: ReadonlySet<string>
}

/** `null`: nothing that is live, or nothing that can be read, which may be what the restore is for. */
export function inForce({ sql, publisher }: Room, before: Lineage | null): InForce | null {
  if (!before?.live) return null
  try {
    return { document: publisher.document(before), kills: new Set(killTargets(sql)) }
  } catch (thrown) {
    logWarn('migrations-unreadable', { cause: messageOf(thrown) })
    return null
  }
}

/** What would go back, once it is published. `recovered`: targets of the kills that came with it. */
export function goneBack(
  { sql, publisher }: Room,
  before: InForce | null,
  state: State,
  recovered: readonly string[],
): CompileIssue[] {
  if (before === null) return []
  const after = publisher.document(state)
  return [
    ...forbiddenReplacement(before.document, after),
    ...recovered
      .filter((target) => !before.kills.has(target))
      .flatMap((target) => {
        const variant = readKill(sql, target)?.variant ?? null
        if (variant === null) return []
        const path = showPath(child(child(child(null, 'kills'), target), 'variant'))
        const keys = new Set(reached(target, after))
        return forbiddenComeback(before.document.flags, keys, variant).map((message) => ({ path, message }))
      }),
  ]
}
