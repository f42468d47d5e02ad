/** The two forms in which documents are shown: as written, and canonical. Pure. */
import { canonicalDocument, canonicalFlag, type Flag, type ShortFlag } from '../engine/index.ts'
import { type Document, type EntityKind, presentDocument } from './document.ts'

/** `full`: short forms written out, defaults filled in. */
export const FORMS = ['written', 'full'] as const
export type Form = (typeof FORMS)[number]

/** JSON text of a document. */
export function documentText(document: Document, form: Form): string {
  const shown = presentDocument(document)
  return JSON.stringify(form === 'full' ? canonicalDocument(shown) : shown)
}

/** JSON text of an entity, given as it is stored; only flags have two forms. */
export function entityText(kind: EntityKind, text: string, form: Form): string {
  if (kind !== 'flag' || form === 'written') return text
  return JSON.stringify(canonicalFlag(JSON.parse(text) as Flag | ShortFlag))
}
