/**
 * Publishes: makes the next version of an environment, with its snapshot, or changes nothing. Its methods run inside the
 * caller's transaction; after one that failed, call `forget`.
 */
import { isObject } from '../../engine/check.ts'
import {
  type Access,
  type Compiled,
  type CompileIssue,
  compile,
  encodeSnapshot,
  type Key,
  MAX_DOCUMENT_BYTES,
  ok,
  type Result,
  recompile,
  SNAPSHOT_FORMAT,
  type Snapshot,
} from '../../engine/index.ts'
import { changedEntities, type TextChange } from '../audit/change.ts'
import { completeDocument, type Document, EMPTY_DOCUMENT, presentDocument } from '../document.ts'
import { type Failure, failed } from '../failure.ts'
import { brokenBonds } from '../governance/bonds.ts'
import type { Side } from '../governance/impact.ts'
import { leapsUnderKills } from '../governance/stage-kills.ts'
import { forbiddenMoves } from '../governance/stage-moves.ts'
import { type Act, accessOf, DEFAULT_SETTINGS, type SdkKey, type Settings } from '../settings.ts'
import { appendAudit } from '../storage/audit.ts'
import { raiseCacheEpoch, readCacheEpoch } from '../storage/cache-epoch.ts'
import { contentHash } from '../storage/content-hash.ts'
import { assembleDocument, changesBetween, loadDocument } from '../storage/document.ts'
import {
  type Change,
  currentNames,
  type EffectiveChange,
  type EntityText,
  effective,
  type Kind,
  pruneEntities,
  readEntity,
  writeChanges,
} from '../storage/entities.ts'
import { killsForEdges } from '../storage/kills.ts'
import { previewAccess } from '../storage/previews.ts'
import { keyChange, readKeys, readSettings, settingsChange } from '../storage/settings.ts'
import {
  type ChangedLines,
  type Frame,
  frameOf,
  pruneSnapshots,
  readSnapshot,
  readSnapshotText,
  writeSnapshot,
} from '../storage/snapshots.ts'
import { type State, writeState } from '../storage/state.ts'
import { pruneVersions, writeVersion } from '../storage/versions.ts'
import { Current } from './current.ts'

export interface Published {
  /** Where the environment stands now; the version before, if nothing changed. */
  readonly state: State
  readonly warnings: readonly CompileIssue[]
}

interface PublishedFlag extends Published {
  /** The flag as it is stored; `null`: nothing changed. */
  readonly text: string | null
}

/** What the next version's snapshot has that the last one's has not; no frame where it stays as it is. */
interface SnapshotChange {
  readonly frame: Frame | null
  readonly lines: ChangedLines
}

/** From here on the compile of the whole document decides, which counts to the byte. */
const CLOSE_TO_MAX_BYTES = MAX_DOCUMENT_BYTES - 1_024

export class Publisher {
  readonly #sql: SqlStorage
  readonly #local: boolean
  readonly #routesChanged: (nowMs: number) => void
  /** Built anew after an eviction when it is first needed. */
  #current: Current | null = null

  /** `routesChanged`: called in the transaction that changes any. */
  constructor(sql: SqlStorage, local: boolean, routesChanged: (nowMs: number) => void) {
    this.#sql = sql
    this.#local = local
    this.#routesChanged = routesChanged
  }

  /** The current document. Throws if what is stored cannot be read. */
  document(state: State): Document {
    return this.#loaded(state).document
  }

  /** Those of the current document, without a look at its flags where it is in memory. Throws likewise. */
  routes(state: State): Document['routes'] {
    return this.#loaded(state).routes
  }

  #loaded(state: State): Current {
    if (!this.#current?.is(state))
      this.#current = new Current(state, loadDocument(this.#sql, state.version), null)
    return this.#current
  }

  /** The snapshot of a version that is kept, in wire form, or `null`. */
  snapshotText(epoch: number, version: number): string | null {
    const known = this.#current?.is({ epoch, version }) ? this.#current.snapshotText : null
    return known ?? readSnapshotText(this.#sql, epoch, version)
  }

  /** The current snapshot. Throws if it cannot be read. */
  snapshot(state: State): Snapshot {
    const snapshot = this.#held(state)
    if (snapshot === null)
      throw new Error(`[publisher] snapshot ${state.version} of epoch ${state.epoch} cannot be read`)
    return snapshot
  }

  forget(): void {
    this.#current = null
  }

  /** Drops what is no longer kept of earlier versions. No part of a change: it would cost each as much again. */
  prune(nowMs: number): void {
    pruneSnapshots(this.#sql)
    const oldest = pruneVersions(this.#sql, nowMs)
    if (oldest !== null) pruneEntities(this.#sql, oldest)
  }

  /** Publishes the first version: an empty document. */
  create(state: Omit<State, 'version' | 'kills'>, settings: Settings, act: Act, nowMs: number): State {
    const start = { ...state, version: 0, kills: 0 }
    const compiled = this.#compile(start, EMPTY_DOCUMENT, settings, [])
    if (!compiled.ok)
      throw new Error(`[publisher] an empty document does not compile: ${JSON.stringify(compiled.error)}`)
    const changes = effective(this.#sql, [settingsChange(settings)])
    return this.#commitCompiled(start, changes, EMPTY_DOCUMENT, compiled.value, act, nowMs)
  }

  /**
   * Publishes a document, or anything that claims to be one; one that says what the current one says is no new version.
   * `begin`: where migrations may that were not there before.
   */
  publishDocument(
    state: State,
    value: unknown,
    act: Act,
    nowMs: number,
    begin: 'first' | 'anywhere' = 'first',
  ): Result<Published, Failure> {
    const compiled = this.#compile(state, value, readSettings(this.#sql), readKeys(this.#sql), act)
    if (!compiled.ok) return invalidDocument(compiled.error)
    const { warnings } = compiled.value
    const document = completeDocument(value)
    const changes = effective(this.#sql, changesBetween(this.document(state), document))
    if (changes.length === 0) return ok({ state, warnings })
    const forbidden =
      act.author.details?.breakGlass === true ? [] : this.#forbidden(state, changes, document, begin)
    if (forbidden.length > 0) return failed({ reason: 'stage-order', errors: forbidden })
    return ok({ state: this.#commitCompiled(state, changes, document, compiled.value, act, nowMs), warnings })
  }

  /** Why a document that compiles would be refused: for how migrations move, and for what they bind. */
  forbiddenMoves(state: State, value: unknown): readonly CompileIssue[] {
    const document = completeDocument(value)
    const changes = effective(this.#sql, changesBetween(this.document(state), document))
    return this.#forbidden(state, changes, document, 'first')
  }

  #forbidden(
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
      ...leapsUnderKills(moves, killsForEdges(this.#sql)),
      ...brokenBonds(document, { flags: new Set(changed('flag')), routes: new Set(changed('route')) }),
    ]
  }

  /** A flag of the current document as written; `undefined`: there is none, or `publishFlag` could not tell. */
  flag(state: State, key: Key): unknown {
    return this.#current?.is(state) && this.#current.compiled !== null ? this.#current.flag(key) : undefined
  }

  /**
   * Publishes another form of a flag that is there, without a look at the others. `null`: it cannot be told without one, and
   * nothing is published.
   */
  publishFlag(state: State, key: Key, flag: unknown, act: Act, nowMs: number): PublishedFlag | null {
    const current = this.#current?.is(state) ? this.#current : null
    const before = current?.flag(key)
    if (!current?.compiled || before === undefined) return null
    if (mayMigrate(before) || mayMigrate(flag) || current.isBound(key)) return null
    const { segments, bytes, lines, warnings } = current.compiled
    const made = recompile(key, before, flag, segments)
    if (made === null || bytes + made.grows > CLOSE_TO_MAX_BYTES) return null
    const texts = { before: JSON.stringify(before), text: JSON.stringify(flag) }
    if (texts.before === texts.text) return { state, warnings, text: null }
    const changes = [{ kind: 'flag', key, ...texts, hash: contentHash(texts.text) }] as const
    const changed: ChangedLines = lines.get(key) === made.packed ? [] : [[key, made.packed]]
    const { frame: held } = current.compiled
    const frame = act.takesBack ? { ...held, cacheEpoch: state.version + 1 } : null
    const next = this.#commit(state, changes, { frame, lines: changed }, act, nowMs)
    current.change(next, key, flag, made.packed, made.grows)
    if (frame !== null) current.reframe(next, frame)
    return { state: next, warnings, text: texts.text }
  }

  /** Publishes other settings, checked against the current document. */
  publishSettings(state: State, settings: Settings, act: Act, nowMs: number): Result<Published, Failure> {
    const document = this.document(state)
    const compiled = this.#compile(state, document, settings, readKeys(this.#sql))
    if (!compiled.ok) return invalidDocument(compiled.error)
    const { warnings } = compiled.value
    const changes = effective(this.#sql, [settingsChange(settings)])
    if (changes.length === 0) return ok({ state, warnings })
    return ok({ state: this.#commitCompiled(state, changes, document, compiled.value, act, nowMs), warnings })
  }

  /** Publishes one key more, or one key less (`null`): a revocation needs no valid document. */
  publishKey(state: State, id: string, key: SdkKey | null, act: Act, nowMs: number): State {
    const others = readKeys(this.#sql).filter((known) => known.id !== id)
    const keys = key === null ? others : [...others, key]
    return this.#republish(state, state, keys, [keyChange(id, key)], act, nowMs)
  }

  /** Publishes the current snapshot again as the next version of `above`, which is no smaller than `state`. */
  republish(state: State, above: State, act: Act, nowMs: number): State {
    return this.#republish(state, above, readKeys(this.#sql), [], act, nowMs)
  }

  /**
   * Publishes exactly these entities, settings and keys among them, as the next version of `above`, even if nothing changes.
   * `from`: the version that the snapshot stored last is of; `above`: none is stored.
   */
  publishEntities(
    from: State,
    above: State,
    entities: readonly EntityText[],
    act: Act,
    nowMs: number,
  ): Result<Published, Failure> {
    const of = (kind: Kind) => entities.filter((entity) => entity.kind === kind)
    const document = assembleDocument(of, act.subject)
    const settings = { ...DEFAULT_SETTINGS, ...JSON.parse(of('settings')[0]!.text) }
    const keys = of('sdk-key').map(({ text }) => JSON.parse(text) as SdkKey)
    const compiled = this.#compile(above, document, settings, keys)
    if (!compiled.ok) return invalidDocument(compiled.error)
    const named = new Set(entities.map(({ kind, key }) => `${kind} ${key}`))
    const gone = currentNames(this.#sql).filter(({ kind, key }) => !named.has(`${kind} ${key}`))
    const changes = effective(this.#sql, [...entities, ...gone.map((name) => ({ ...name, text: null }))])
    const next = this.#commitCompiled(above, changes, document, compiled.value, act, nowMs, from)
    return ok({ state: next, warnings: compiled.value.warnings })
  }

  /** Wire form of the snapshot that a document would be. */
  snapshotOf(state: State, value: unknown): Result<string, readonly CompileIssue[]> {
    const compiled = this.#compile(state, value, readSettings(this.#sql), readKeys(this.#sql))
    return compiled.ok ? ok(encodeSnapshot(compiled.value.snapshot)) : compiled
  }

  /** The errors and warnings of a document that is not published. */
  check(state: State, value: unknown): Result<readonly CompileIssue[], readonly CompileIssue[]> {
    const compiled = this.#compile(state, value, readSettings(this.#sql), readKeys(this.#sql))
    return compiled.ok ? ok(compiled.value.warnings) : compiled
  }

  /** What a document that is not published compiles to, and what the current one did. */
  preview(
    state: State,
    value: unknown,
  ): Result<{ before: Side; after: Side; warnings: readonly CompileIssue[] }, readonly CompileIssue[]> {
    const snapshot = this.snapshot(state)
    const compiled = this.#compile(state, value, readSettings(this.#sql), readKeys(this.#sql))
    if (!compiled.ok) return compiled
    return ok({
      before: { document: presentDocument(this.document(state)), snapshot },
      after: { document: presentDocument(completeDocument(value)), snapshot: compiled.value.snapshot },
      warnings: compiled.value.warnings,
    })
  }

  /** The current snapshot; `null`: it is in a format that is no longer read, or missing. */
  #held(state: State): Snapshot | null {
    const known = this.#current?.is(state) ? this.#current.snapshot : null
    const snapshot = known ?? readSnapshot(this.#sql, state.epoch, state.version)
    return snapshot?.format === SNAPSHOT_FORMAT ? snapshot : null
  }

  /** The current snapshot as the next version of `above`: needs no compile, so it works whatever the stored document has become. */
  #republish(
    state: State,
    above: State,
    keys: readonly SdkKey[],
    changes: readonly Change[],
    act: Act,
    nowMs: number,
  ): State {
    const settings = readSettings(this.#sql)
    const snapshot = this.#held(state)
    if (snapshot !== null) {
      const frame: Frame = { ...frameOf(snapshot), access: this.#access(settings, keys) }
      const current = this.#current?.is(state) ? this.#current : null
      const next = this.#commit(above, effective(this.#sql, changes), { frame, lines: [] }, act, nowMs)
      current?.reframe(next, frame)
      return next
    }
    // Written in a format that is no longer read: the document is what is left.
    const document = this.document(state)
    const compiled = this.#compile(above, document, settings, keys)
    if (!compiled.ok)
      throw new Error(
        `[publisher] snapshot ${state.version} cannot be read, and the document does not compile`,
      )
    return this.#commitCompiled(
      above,
      effective(this.#sql, changes),
      document,
      compiled.value,
      act,
      nowMs,
      state,
    )
  }

  #compile(
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
      cacheEpoch: takesBack ? state.version + 1 : readCacheEpoch(this.#sql).snapshot,
      access: this.#access(settings, keys),
      allowPrivateOrigins: this.#local,
      edgeHosts: settings.edgeHosts,
    })
  }

  #access(settings: Settings, keys: readonly SdkKey[]): Access {
    const previews = previewAccess(this.#sql)
    return { ...accessOf(settings, keys, this.#local), ...(previews && { previews }) }
  }

  /** `from`: the version that the snapshot stored last is of. */
  #commitCompiled(
    state: State,
    changes: readonly EffectiveChange[],
    document: Document,
    compiled: Compiled,
    act: Act,
    nowMs: number,
    from: State = state,
  ): State {
    const held = this.#current?.is(from) ? this.#current.snapshot : null
    const last = held ?? readSnapshot(this.#sql, from.epoch, from.version)
    const next = this.#commit(state, changes, changeOf(last, compiled.snapshot), act, nowMs)
    this.#current = new Current(next, document, compiled)
    return next
  }

  #commit(
    state: State,
    changes: readonly EffectiveChange[],
    { frame, lines }: SnapshotChange,
    act: Act,
    nowMs: number,
  ): State {
    const next: State = { ...state, version: state.version + 1 }
    this.#audit(next, changes, act, nowMs)
    writeChanges(this.#sql, next.version, changes, nowMs)
    writeState(this.#sql, next)
    if (act.takesBack) raiseCacheEpoch(this.#sql, 'snapshot', next.version)
    const { actor, reason } = act.author
    writeVersion(this.#sql, { ...next, actor, reason, createdAtMs: nowMs })
    writeSnapshot(this.#sql, next.version, frame, lines)
    if (changes.some(({ kind }) => kind === 'route')) this.#routesChanged(nowMs)
    return next
  }

  /** Before the changes are written: the entry tells what was there. */
  #audit({ name, version }: State, changes: readonly EffectiveChange[], act: Act, nowMs: number): void {
    const { action, subject, author } = act
    appendAudit(
      this.#sql,
      name,
      {
        action,
        subject,
        actor: author.actor,
        reason: author.reason,
        requestId: author.requestId,
        address: author.address,
        version,
        kills: null,
        changes: changedEntities(textChanges(this.#sql, changes)),
        changeCount: changes.length,
        details: author.details ?? {},
      },
      nowMs,
    )
  }
}

const own = (flags: Readonly<Record<Key, unknown>>, key: Key): unknown =>
  Object.hasOwn(flags, key) ? flags[key] : undefined

/** Whether there is more to say about a change of the flag than whether it is valid. */
const mayMigrate = (flag: unknown): boolean => isObject(flag) && flag.kind === 'migration'

/** From one snapshot to the next. */
function changeOf(last: Snapshot | null, next: Snapshot): SnapshotChange {
  const frame = frameOf(next)
  const same = last !== null && JSON.stringify(frameOf(last)) === JSON.stringify(frame)
  return { frame: same ? null : frame, lines: changedLines(last?.flags ?? new Map(), next.flags) }
}

function* changedLines(
  last: ReadonlyMap<Key, string>,
  next: ReadonlyMap<Key, string>,
): Generator<[Key, string | null]> {
  for (const [key, packed] of next) if (last.get(key) !== packed) yield [key, packed]
  for (const key of last.keys()) if (!next.has(key)) yield [key, null]
}

function* textChanges(sql: SqlStorage, changes: readonly EffectiveChange[]): Generator<TextChange> {
  for (const { kind, key, text, before } of changes)
    yield {
      subject: kind === 'settings' || kind === 'route-order' ? kind : `${kind}:${key}`,
      before: shown(kind, before ?? readEntity(sql, kind, key)?.text ?? null),
      after: shown(kind, text),
    }
}

/** The hash of an SDK key is for edges, not for readers of a log. */
function shown(kind: Kind, text: string | null): string | null {
  if (kind !== 'sdk-key' || text === null) return text
  const { hash: _, ...key } = JSON.parse(text) as SdkKey
  return JSON.stringify(key)
}

const invalidDocument = (errors: readonly CompileIssue[]): { ok: false; error: Failure } =>
  failed({ reason: 'invalid', what: 'document', errors })
