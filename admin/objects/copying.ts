/** Copies an environment's document from one store to another, and proves by the compiled snapshots that it has arrived. */
import { type FlagDocument, ok } from '../../engine/index.ts'
import type { StoreConfig, StoreKind } from '../config/store-config.ts'
import { completeDocument, presentDocument } from '../document.ts'
import { type Failed, failed, invalid } from '../failure.ts'
import { type Comparison, compare } from '../governance/comparison.ts'
import type { Author } from '../settings.ts'
import { REAL_TIME } from '../storage/aws/timing.ts'
import { forgetful, isSetUp, openStore } from '../storage/open-store.ts'
import { sameSnapshot } from '../storage/same-snapshot.ts'
import { readState, type State } from '../storage/state.ts'
import type { FlagStore, Loaded } from '../storage/store.ts'
import type { Answer } from './answers.ts'
import { embeddedStore } from './embedded-store.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'
import { failureOf } from './store-failure.ts'
import type { StoreSync } from './store-sync.ts'

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

/**
 * From one store to another. What counts is changed with `publish`, as by anybody: with approvals, windows and freezes. `config`
 * names the stores, `sync` the one in force.
 */
export async function copyStore(
  room: Room,
  sync: Pick<StoreSync, 'lookSoon'>,
  config: StoreConfig,
  request: CopyRequest,
  author: Author,
  publish: Publish,
): Promise<Answer<Copied>> {
  const { from, to, dryRun } = request
  const state = readState(room.sql)
  if (state === null) return failed({ reason: 'environment-unknown' })
  const refused = refusalOf(request, config)
  if (refused !== null) return refused
  const open = async (kind: StoreKind): Promise<FlagStore> =>
    kind === 'embedded'
      ? embeddedStore(room, author)
      : openStore(kind, config, state.name, forgetful(), REAL_TIME)
  const copied = await copy(room, state, {
    ...{ from: await open(from), to: await open(to), dryRun },
    // What is in force already needs nobody's consent: an empty place is filled with it.
    publish: to === config.kind && from !== 'embedded' ? publish : null,
  })
  if (to === config.kind) sync.lookSoon(Date.now())
  else if (copied.ok && copied.value.written) noteCopied(room, state, copied.value, author)
  return copied
}

/** Makes it the document, as a change like any other. */
type Publish = (document: FlagDocument) => Promise<Answer<unknown>>

interface Copying {
  readonly from: FlagStore
  readonly to: FlagStore
  readonly dryRun: boolean
  /** For the store that counts. `null`: the other one is written itself. */
  readonly publish: Publish | null
}

async function copy(room: Room, state: State, copying: Copying): Promise<Answer<Copied>> {
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

function noteCopied({ sql, ledger }: Room, { name }: State, { from, to, identical }: Copied, author: Author) {
  const act = { action: 'store.copied', subject: `environment:${name}`, author } as const
  ledger.write((nowMs) => record(sql, name, act, nowMs, { details: { from, to, identical } }))
}

/** Why there is nothing to copy that way; `null`: there may be. */
function refusalOf({ from, to }: CopyRequest, config: StoreConfig): Failed | null {
  const active = config.kind
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
    if (!isSetUp(kind, config))
      return invalid('copy', path, `names ${kind}, whose settings are missing in the control plane`)
  return null
}
