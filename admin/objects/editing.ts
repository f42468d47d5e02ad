/** Carries out an edit of the document: precondition, outcome, publish. Runs inside the caller's transaction. */
import { ok } from '../../engine/index.ts'
import { actionOf, applyEdit, type Edit } from '../edit.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import type { Author } from '../settings.ts'
import { readEntity, sinceOf } from '../storage/entities.ts'
import type { State } from '../storage/state.ts'
import type { Answer, Edited } from './answers.ts'
import type { Publisher } from './publisher.ts'

/** `precondition` is `null` for edits that need none. */
export function carryOutEdit(
  sql: SqlStorage,
  publisher: Publisher,
  state: State,
  edit: Edit,
  precondition: Precondition | null,
  author: Author,
  nowMs: number,
): Answer<Edited> {
  const subject = subjectOf(sql, state, edit)
  // Without the thing itself there is nothing to compare, but to create it: `applyEdit` answers that it is unknown.
  if (precondition !== null && (subject.version !== null || edit.do === 'put')) {
    const allowed = checkPrecondition(precondition, subject.what, subject.key, subject.version)
    if (!allowed.ok) return allowed
  }
  const outcome = applyEdit(publisher.document(state), edit)
  if (!outcome.ok) return outcome
  const { document, kind, keys } = outcome.value
  const act = { ...actionOf(edit, subject.version === null), author }
  const published = publisher.publishDocument(state, document, act, nowMs)
  if (!published.ok) return published
  const { warnings } = published.value
  const { version } = published.value.state
  const entities = keys.flatMap((key) => readEntity(sql, kind, key) ?? [])
  return ok({ version, created: subject.version === null, warnings, entities })
}

interface Subject {
  readonly what: string
  readonly key: string
  /** The version that preconditions are about; `null`: it does not exist. */
  readonly version: number | null
}

function subjectOf(sql: SqlStorage, state: State, edit: Edit): Subject {
  switch (edit.do) {
    case 'put-document':
      return { what: 'document', key: state.name, version: state.version }
    case 'patch-flags':
      return { what: 'document', key: state.name, version: state.version }
    case 'toggle':
      return { what: 'flag', key: edit.key, version: sinceOf(sql, 'flag', edit.key) }
    default:
      return { what: edit.kind, key: edit.key, version: sinceOf(sql, edit.kind, edit.key) }
  }
}
