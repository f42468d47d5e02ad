/**
 * What stands in an environment, in memory as far as it can be, and what a document would be that is not published: whether it
 * compiles, what it changes, whether it may follow. Inside the caller's transaction; after one that failed, call `forget`.
 */
import {
  type Access,
  type Compiled,
  type CompileIssue,
  compile,
  encodeSnapshot,
  type Key,
  ok,
  type Result,
  SNAPSHOT_FORMAT,
  type Snapshot,
} from '../../engine/index.ts'
import { completeDocument, type Document, presentDocument } from '../document.ts'
import { brokenBonds } from '../governance/bonds.ts'
import type { Side } from '../governance/impact.ts'
import { leapsUnderKills } from '../governance/stage-kills.ts'
import { forbiddenMoves } from '../governance/stage-moves.ts'
import { type Act, accessOf, type SdkKey, type Settings } from '../settings.ts'
import { readCacheEpoch } from '../storage/cache-epoch.ts'
import { changesBetween, loadDocument, Unreadable } from '../storage/document.ts'
import { type EffectiveChange, effective, type Kind } from '../storage/entities.ts'
import { killsForEdges } from '../storage/kills.ts'
import { previewAccess } from '../storage/previews.ts'
import { readKeys, readSettings } from '../storage/settings.ts'
import { readSnapshot, readSnapshotText } from '../storage/snapshots.ts'
import type { State } from '../storage/state.ts'
import { Current } from './current.ts'

export class Drafts {
  protected readonly sql: SqlStorage
  readonly #local: boolean
  /** Built anew after an eviction when it is first needed. */
  protected current: Current | null = null
  #inspected: { readonly epoch: number; readonly version: number; readonly damage: string | null } | null =
    null

  constructor(sql: SqlStorage, local: boolean) {
    this.sql = sql
    this.#local = local
  }

  /** The current document. Throws `Unreadable` if what is stored is damaged. */
  document(state: State): Document {
    return this.#loaded(state).document
  }

  /** Why the current document cannot be read, as a sentence; `null`: it can. */
  damage(state: State): string | null {
    return damageIn(() => this.document(state))
  }

  /** The same, for who looks often at what nobody uses: once for each version, and nothing of the document stays in memory. */
  inspected(state: State): string | null {
    if (this.current?.is(state)) return null
    const { epoch, version } = state
    if (this.#inspected?.epoch !== epoch || this.#inspected.version !== version)
      this.#inspected = { epoch, version, damage: damageIn(() => loadDocument(this.sql, version)) }
    return this.#inspected.damage
  }

  /** Those of the current document, without a look at its flags where it is in memory. Throws likewise. */
  routes(state: State): Document['routes'] {
    return this.#loaded(state).routes
  }

  #loaded(state: State): Current {
    if (!this.current?.is(state))
      this.current = new Current(state, loadDocument(this.sql, state.version), null)
    return this.current
  }

  /** The snapshot of a version that is kept, in wire form, or `null`. */
  snapshotText(epoch: number, version: number): string | null {
    const known = this.current?.is({ epoch, version }) ? this.current.snapshotText : null
    return known ?? readSnapshotText(this.sql, epoch, version)
  }

  /** The current snapshot. Throws if it cannot be read. */
  snapshot(state: State): Snapshot {
    const snapshot = this.held(state)
    if (snapshot === null)
      throw new Error(`[drafts] snapshot ${state.version} of epoch ${state.epoch} cannot be read`)
    return snapshot
  }

  forget(): void {
    this.current = null
  }

  /** A flag of the current document as written; `undefined`: there is none, or `publishFlag` could not tell. */
  flag(state: State, key: Key): unknown {
    return this.current?.is(state) && this.current.compiled !== null ? this.current.flag(key) : undefined
  }

  /** Wire form of the snapshot that a document would be. */
  snapshotOf(state: State, value: unknown): Result<string, readonly CompileIssue[]> {
    const compiled = this.compile(state, value, readSettings(this.sql), readKeys(this.sql))
    return compiled.ok ? ok(encodeSnapshot(compiled.value.snapshot)) : compiled
  }

  /** The errors and warnings of a document that is not published. */
  check(state: State, value: unknown): Result<readonly CompileIssue[], readonly CompileIssue[]> {
    const compiled = this.compile(state, value, readSettings(this.sql), readKeys(this.sql))
    return compiled.ok ? ok(compiled.value.warnings) : compiled
  }

  /** What a document that is not published compiles to, and what the current one did. */
  preview(
    state: State,
    value: unknown,
  ): Result<{ before: Side; after: Side; warnings: readonly CompileIssue[] }, readonly CompileIssue[]> {
    const snapshot = this.snapshot(state)
    const compiled = this.compile(state, value, readSettings(this.sql), readKeys(this.sql))
    if (!compiled.ok) return compiled
    return ok({
      before: { document: presentDocument(this.document(state)), snapshot },
      after: { document: presentDocument(completeDocument(value)), snapshot: compiled.value.snapshot },
      warnings: compiled.value.warnings,
    })
  }

  /** Why a document that compiles would be refused: for how migrations move, and for what they bind. */
  forbiddenMoves(state: State, value: unknown): readonly CompileIssue[] {
    const document = completeDocument(value)
    const changes = effective(this.sql, changesBetween(this.document(state), document))
    return this.forbidden(state, changes, document, 'first')
  }

  protected forbidden(
    state: State,
    changes: readonly EffectiveChange[],
    document: Document,
    begin: 'first' | 'anywhere',
  ): readonly CompileIssue[] {
    const { flags } = this.document(state)
    const changed = (of: Kind) => changes.flatMap(({ kind, key }) => (kind === of ? [key] : []))
    const moves = changed('flag').map((key) => ({
      key,
      before: own(flags, key),
      after: own(document.flags, key),
    }))
    // In an empty environment nobody has asked for anything yet.
    const anywhere = begin === 'anywhere' || Object.keys(flags).length === 0
    return [
      ...forbiddenMoves(moves, anywhere),
      ...leapsUnderKills(moves, killsForEdges(this.sql)),
      ...brokenBonds(document, { flags: new Set(changed('flag')), routes: new Set(changed('route')) }),
    ]
  }

  /** The current snapshot; `null`: it is in a format that is no longer read, or missing. */
  protected held(state: State): Snapshot | null {
    const known = this.current?.is(state) ? this.current.snapshot : null
    const snapshot = known ?? readSnapshot(this.sql, state.epoch, state.version)
    return snapshot?.format === SNAPSHOT_FORMAT ? snapshot : null
  }

  protected compile(
    state: State,
    document: unknown,
    settings: Settings,
    keys: readonly SdkKey[],
    { takesBack = false }: Pick<Act, 'takesBack'> = {},
  ): Result<Compiled, readonly CompileIssue[]> {
    return compile(document, {
      environment: state.name,
      epoch: state.epoch,
      version: state.version + 1,
      cacheEpoch: takesBack ? state.version + 1 : readCacheEpoch(this.sql).snapshot,
      access: this.access(settings, keys),
      allowPrivateOrigins: this.#local,
      edgeHosts: settings.edgeHosts,
    })
  }

  protected access(settings: Settings, keys: readonly SdkKey[]): Access {
    const previews = previewAccess(this.sql)
    return { ...accessOf(settings, keys, this.#local), ...(previews && { previews }) }
  }
}

function damageIn(read: () => unknown): string | null {
  try {
    read()
    return null
  } catch (thrown) {
    if (thrown instanceof Unreadable) return thrown.message
    throw thrown
  }
}

const own = (flags: Readonly<Record<Key, unknown>>, key: Key): unknown =>
  Object.hasOwn(flags, key) ? flags[key] : undefined
