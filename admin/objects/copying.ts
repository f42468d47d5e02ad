/** Copies an environment's document from one store to another, and proves by the compiled snapshots that it has arrived. */
import { type FlagDocument, ok } from '../../engine/index.ts'
import type { StoreKind } from '../config/store-config.ts'
import { completeDocument, presentDocument } from '../document.ts'
import { type Failure, failed, invalid } from '../failure.ts'
import { type Comparison, compare } from '../governance/comparison.ts'
import { sameSnapshot } from '../storage/same-snapshot.ts'
import type { State } from '../storage/state.ts'
import type { FlagStore, Loaded } from '../storage/store.ts'
import type { Answer } from './answers.ts'
import type { Room } from './room.ts'
import { failureOf } from './store-failure.ts'

export interface CopyRequest {
  readonly from: StoreKind
  readonly to: StoreKind
  /** Only says what would change. */
  readonly dryRun: boolean
}

export interface Copied extends Comparison {
  /** Places, for people. */
  readonly from: string
  readonly to: string
  readonly written: boolean
  /** Both compile to the same snapshot, so that edges serve the same from either. */
  readonly identical: boolean
}

export interface Copying {
  readonly from: FlagStore
  readonly to: FlagStore
  readonly dryRun: boolean
  /** Makes it the document, as a change like any other: for the store that counts. `null`: the other one is written itself. */
  readonly publish: ((document: FlagDocument) => Promise<Answer<unknown>>) | null
}

export async function copyStore(room: Room, state: State, copying: Copying): Promise<Answer<Copied>> {
  const { from, to, dryRun } = copying
  const source = await contentOf(from)
  if (!source.ok) return source
  if (source.value.blank) return invalid('copy', '$.from', `names ${from.place}, where there is nothing`)
  const target = await contentOf(to)
  if (!target.ok) return target
  const document = presentDocument(completeDocument(source.value.document))
  const compiled = room.publisher.snapshotOf(state, document)
  if (!compiled.ok) return failed({ reason: 'invalid', what: 'document', errors: compiled.error })
  const same = (found: Loaded): boolean => {
    const held = room.publisher.snapshotOf(state, found.document)
    return held.ok && sameSnapshot(compiled.value, held.value)
  }
  const places = { from: from.place, to: to.place }
  const before = presentDocument(completeDocument(target.value.document))
  const differences = compare(before, document)
  if (dryRun || same(target.value))
    return ok({ ...places, ...differences, written: false, identical: same(target.value) })
  const written = await write(copying, document, target.value)
  if (!written.ok) return written
  const arrived = await contentOf(to)
  if (!arrived.ok) return arrived
  return ok({ ...places, ...differences, written: true, identical: same(arrived.value) })
}

async function write(
  { to, publish }: Copying,
  document: FlagDocument,
  held: Loaded,
): Promise<Answer<unknown>> {
  if (publish !== null) return publish(document)
  const saved = await to.save(document, held.revision)
  return saved.ok ? saved : failureOf(saved.error, Date.now())
}

async function contentOf(store: FlagStore): Promise<Answer<Loaded>> {
  const found = await store.load(null)
  if (!found.ok) return failureOf(found.error, Date.now())
  if (found.value === 'unchanged') throw new Error(`[copying] ${store.place} does not say what it holds`)
  return ok(found.value)
}

/** Why there is nothing to copy that way; `null`: there may be. `active`: the store that counts. */
export function refusalOf(
  { from, to }: CopyRequest,
  active: StoreKind,
  isSetUp: (kind: StoreKind) => boolean,
): { ok: false; error: Failure } | null {
  if (from === to) return invalid('copy', '$.to', `must be another store than ${from}`)
  if (to === 'embedded' && active !== 'embedded')
    return invalid(
      'copy',
      '$.to',
      `cannot be embedded while STORE is ${active}: Turnout holds what it last read there, and keeps it when STORE becomes embedded`,
    )
  for (const [path, kind] of [
    ['$.from', from],
    ['$.to', to],
  ] as const)
    if (!isSetUp(kind))
      return invalid('copy', path, `names ${kind}, whose settings are missing in the control plane`)
  return null
}
