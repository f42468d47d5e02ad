/** What a change would do, shown before anything is done. Writes nothing. */
import { type CompileIssue, type FlagDocument, ok } from '../../engine/index.ts'
import { presentDocument } from '../document.ts'
import type { Edit } from '../edit.ts'
import { failed } from '../failure.ts'
import { type Comparison, compare } from '../governance/comparison.ts'
import { lowers } from '../governance/exposure.ts'
import { type Impact, impact, type Sampled } from '../governance/impact.ts'
import { type Chosen, promote } from '../governance/promotion.ts'
import { killsForEdges } from '../storage/kills.ts'
import type { State } from '../storage/state.ts'
import type { Answer } from './answers.ts'
import { proposalOf } from './proposal.ts'
import type { Room } from './room.ts'

export interface PromotionPreview extends Comparison {
  /** The target's version that this is about. */
  readonly version: number
  readonly segments: readonly string[]
  readonly kept: readonly string[]
  /** What of it raises exposure: a protected environment asks for approval of these. */
  readonly raising: readonly string[]
  readonly warnings: readonly CompileIssue[]
}

export function previewPromotion(
  { sql, publisher }: Room,
  state: State,
  source: FlagDocument,
  flags: Chosen,
): Answer<PromotionPreview> {
  const target = presentDocument(publisher.document(state))
  const promoted = promote(source, target, flags)
  if (!promoted.ok) return failed({ reason: 'invalid', what: 'promotion', errors: promoted.error })
  const { document, segments, kept } = promoted.value
  const checked = publisher.check(state, document)
  if (!checked.ok) return failed({ reason: 'invalid', what: 'document', errors: checked.error })
  const kills = { epoch: state.epoch, version: state.kills, kills: killsForEdges(sql) }
  const { raising } = lowers(target, document, { kills })
  const { version } = state
  const warnings = [...checked.value, ...publisher.forbiddenMoves(state, document)]
  return ok({ ...compare(target, document), version, segments, kept, raising, warnings })
}

export interface ImpactPreview extends Impact {
  /** What becomes surely not meant, such as a rule that can never match. */
  readonly newWarnings: readonly CompileIssue[]
  /** What of it raises exposure. */
  readonly raising: readonly string[]
}

/** `edit`: one of the document. `sample`: contexts of real requests. */
export function previewImpact(
  room: Room,
  state: State,
  edit: Edit,
  sample: readonly Sampled[],
): Answer<ImpactPreview> {
  const proposal = proposalOf(room, state, { do: 'edit', edit })
  if (!proposal.ok) return proposal
  const { sql, publisher } = room
  const preview = publisher.preview(state, proposal.value.value)
  if (!preview.ok) return failed({ reason: 'invalid', what: 'document', errors: preview.error })
  const { before, after, warnings } = preview.value
  const known = publisher.check(state, before.document)
  const old = new Set((known.ok ? known.value : []).map((warning) => JSON.stringify(warning)))
  const kills = { epoch: state.epoch, version: state.kills, kills: killsForEdges(sql) }
  return ok({
    ...impact(before, after, sample),
    newWarnings: [
      ...warnings.filter((warning) => !old.has(JSON.stringify(warning))),
      ...publisher.forbiddenMoves(state, proposal.value.value),
    ],
    raising: lowers(before.document, after.document, { kills }).raising,
  })
}
