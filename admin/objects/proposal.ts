/** The document that a change proposes, not yet compiled. */
import { ok } from '../../engine/index.ts'
import type { Change } from '../change/change.ts'
import type { EntityKind } from '../document.ts'
import { EMPTY_DOCUMENT, presentDocument } from '../document.ts'
import { applyEdit, type Edit } from '../edit.ts'
import { failed } from '../failure.ts'
import { promote } from '../governance/promotion.ts'
import { loadDocument } from '../storage/document.ts'
import { earlierTexts, sinceOf } from '../storage/entities.ts'
import type { State } from '../storage/state.ts'
import { readVersion } from '../storage/versions.ts'
import type { Answer } from './answers.ts'
import type { Room } from './room.ts'

export interface Proposal {
  /** For the compiler: it may be anything. */
  readonly value: unknown
  /** The flags, segments or routes whose new state the caller gets back. */
  readonly kind: EntityKind
  readonly keys: readonly string[]
  /** What it is about is not there yet. */
  readonly creates: boolean
}

export type DocumentChange = Extract<Change, { do: 'edit' | 'restore' | 'promote' }>

export const isDocumentChange = (change: Change): change is DocumentChange =>
  change.do === 'edit' || change.do === 'restore' || change.do === 'promote'

export function proposalOf({ sql, publisher }: Room, state: State, change: DocumentChange): Answer<Proposal> {
  if (change.do === 'restore') {
    const { version } = change
    if (readVersion(sql, version) === null) return unknownVersion(version)
    const value = presentDocument(loadDocument(sql, version))
    return ok({ value, kind: 'flag', keys: [], creates: false })
  }
  if (change.do === 'promote') {
    const { text, flags } = change.promotion
    const promoted = promote(JSON.parse(text), presentDocument(publisher.document(state)), flags)
    if (!promoted.ok) return failed({ reason: 'invalid', what: 'promotion', errors: promoted.error })
    return ok({ value: promoted.value.document, kind: 'flag', keys: promoted.value.flags, creates: false })
  }
  // A whole document is how a damaged one is mended.
  const standing = change.edit.do === 'put-document' ? EMPTY_DOCUMENT : publisher.document(state)
  const outcome = applyEdit(standing, change.edit, (key) => earlierTexts(sql, 'flag', key))
  if (!outcome.ok) return outcome
  const { document, kind, keys } = outcome.value
  return ok({ value: document, kind, keys, creates: subjectOf(sql, state, change.edit).version === null })
}

export interface Subject {
  readonly what: string
  readonly key: string
  /** The version that preconditions are about; `null`: it does not exist. */
  readonly version: number | null
}

export function subjectOf(sql: SqlStorage, state: State, edit: Edit): Subject {
  switch (edit.do) {
    case 'put-document':
    case 'patch-flags':
    case 'set-flags':
      return { what: 'document', key: state.name, version: state.version }
    case 'toggle':
      return { what: 'flag', key: edit.key, version: sinceOf(sql, 'flag', edit.key) }
    case 'serve':
    case 'serve-previous':
      return { what: edit.of.kind, key: edit.of.key, version: sinceOf(sql, edit.of.kind, edit.of.key) }
    default:
      return { what: edit.kind, key: edit.key, version: sinceOf(sql, edit.kind, edit.key) }
  }
}

export const unknownVersion = (n: number) =>
  failed({ reason: 'unknown', what: 'version', key: String(n), nearest: null })
