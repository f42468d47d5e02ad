/**
 * Publishes: makes the next version of an environment, with its snapshot, or changes nothing. Its methods run inside the
 * caller's transaction; after one that failed, call `forget`.
 */
import { isObject } from '../../engine/check.ts'
import {
  type Compiled,
  type CompileIssue,
  type Key,
  MAX_DOCUMENT_BYTES,
  ok,
  type Result,
  recompile,
} from '../../engine/index.ts'
import { completeDocument, type Document, EMPTY_DOCUMENT } from '../document.ts'
import { type Failed, type Failure, failed } from '../failure.ts'
import { type Act, DEFAULT_SETTINGS, type SdkKey, type Settings } from '../settings.ts'
import { contentHash } from '../storage/content-hash.ts'
import { assembleDocument, changesBetween } from '../storage/document.ts'
import {
  type Change,
  currentNames,
  type EffectiveChange,
  type EntityText,
  effective,
  type Kind,
  pruneEntities,
} from '../storage/entities.ts'
import { mendBody } from '../storage/entity-rows.ts'
import { keyChange, readKeys, readSettings, settingsChange } from '../storage/settings.ts'
import { type ChangedLines, type Frame, frameOf, pruneSnapshots, readSnapshot } from '../storage/snapshots.ts'
import type { State } from '../storage/state.ts'
import { pruneVersions } from '../storage/versions.ts'
import { commitVersion, type SnapshotChange, snapshotChange } from './committing.ts'
import { Current } from './current.ts'
import { Drafts } from './drafts.ts'

export interface Published {
  /** Where the environment stands now; the version before, if nothing changed. */
  readonly state: State
  readonly warnings: readonly CompileIssue[]
}

interface PublishedFlag extends Published {
  /** The flag as it is stored; `null`: nothing changed. */
  readonly text: string | null
}

/** From here on the compile of the whole document decides, which counts to the byte. */
const CLOSE_TO_MAX_BYTES = MAX_DOCUMENT_BYTES - 1_024

export class Publisher extends Drafts {
  readonly #routesChanged: (nowMs: number) => void

  /** `routesChanged`: called in the transaction that changes any. */
  constructor(sql: SqlStorage, local: boolean, routesChanged: (nowMs: number) => void) {
    super(sql, local)
    this.#routesChanged = routesChanged
  }

  /** Drops what is no longer kept of earlier versions. No part of a change: it would cost each as much again. */
  prune(nowMs: number): void {
    pruneSnapshots(this.sql)
    const oldest = pruneVersions(this.sql, nowMs)
    if (oldest !== null) pruneEntities(this.sql, oldest)
  }

  /** Publishes the first version: an empty document. */
  create(state: Omit<State, 'version' | 'kills'>, settings: Settings, act: Act, nowMs: number): State {
    const start = { ...state, version: 0, kills: 0 }
    const compiled = this.compile(start, EMPTY_DOCUMENT, settings, [])
    if (!compiled.ok)
      throw new Error(`[publisher] an empty document does not compile: ${JSON.stringify(compiled.error)}`)
    const changes = effective(this.sql, [settingsChange(settings)])
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
    const compiled = this.compile(state, value, readSettings(this.sql), readKeys(this.sql), act)
    if (!compiled.ok) return invalidDocument(compiled.error)
    const { warnings } = compiled.value
    const document = completeDocument(value)
    const damage = this.damage(state)
    if (damage !== null)
      return ok({ state: this.#mend(state, document, compiled.value, act, damage, nowMs), warnings })
    const changes = effective(this.sql, changesBetween(this.document(state), document))
    if (changes.length === 0) return ok({ state, warnings })
    const forbidden =
      act.author.details?.breakGlass === true ? [] : this.forbidden(state, changes, document, begin)
    if (forbidden.length > 0) return failed({ reason: 'stage-order', errors: forbidden })
    return ok({ state: this.#commitCompiled(state, changes, document, compiled.value, act, nowMs), warnings })
  }

  /** Nobody can tell what the damaged document said: all of this one takes its place, and of its texts those that are damaged. */
  #mend(
    state: State,
    document: Document,
    compiled: Compiled,
    { author, ...act }: Act,
    damage: string,
    nowMs: number,
  ): State {
    const entities = changesBetween(EMPTY_DOCUMENT, document)
    for (const { text } of entities) if (text !== null) mendBody(this.sql, contentHash(text), text)
    const named = new Set(entities.map(({ kind, key }) => `${kind} ${key}`))
    const gone = currentNames(this.sql)
      .filter(({ kind, key }) => kind !== 'settings' && kind !== 'sdk-key' && !named.has(`${kind} ${key}`))
      .map((name) => ({ ...name, text: null }))
    const changes = effective(this.sql, [...entities, ...gone])
    const mending = { ...act, author: { ...author, details: { ...author.details, mended: damage } } }
    return this.#commitCompiled(state, changes, document, compiled, mending, nowMs)
  }

  /**
   * Publishes another form of a flag that is there, without a look at the others. `null`: it cannot be told without one, and
   * nothing is published.
   */
  publishFlag(state: State, key: Key, flag: unknown, act: Act, nowMs: number): PublishedFlag | null {
    const current = this.current?.is(state) ? this.current : null
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
    const compiled = this.compile(state, document, settings, readKeys(this.sql))
    if (!compiled.ok) return invalidDocument(compiled.error)
    const { warnings } = compiled.value
    const changes = effective(this.sql, [settingsChange(settings)])
    if (changes.length === 0) return ok({ state, warnings })
    return ok({ state: this.#commitCompiled(state, changes, document, compiled.value, act, nowMs), warnings })
  }

  /** Publishes one key more, or one key less (`null`): a revocation needs no valid document. */
  publishKey(state: State, id: string, key: SdkKey | null, act: Act, nowMs: number): State {
    const others = readKeys(this.sql).filter((known) => known.id !== id)
    const keys = key === null ? others : [...others, key]
    return this.#republish(state, state, keys, [keyChange(id, key)], act, nowMs)
  }

  /** Publishes the current snapshot again as the next version of `above`, which is no smaller than `state`. */
  republish(state: State, above: State, act: Act, nowMs: number): State {
    return this.#republish(state, above, readKeys(this.sql), [], act, nowMs)
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
    const compiled = this.compile(above, document, settings, keys)
    if (!compiled.ok) return invalidDocument(compiled.error)
    const named = new Set(entities.map(({ kind, key }) => `${kind} ${key}`))
    const gone = currentNames(this.sql).filter(({ kind, key }) => !named.has(`${kind} ${key}`))
    const changes = effective(this.sql, [...entities, ...gone.map((name) => ({ ...name, text: null }))])
    const next = this.#commitCompiled(above, changes, document, compiled.value, act, nowMs, from)
    return ok({ state: next, warnings: compiled.value.warnings })
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
    const settings = readSettings(this.sql)
    const snapshot = this.held(state)
    if (snapshot !== null) {
      const frame: Frame = { ...frameOf(snapshot), access: this.access(settings, keys) }
      const current = this.current?.is(state) ? this.current : null
      const next = this.#commit(above, effective(this.sql, changes), { frame, lines: [] }, act, nowMs)
      current?.reframe(next, frame)
      return next
    }
    // Written in a format that is no longer read: the document is what is left.
    const document = this.document(state)
    const compiled = this.compile(above, document, settings, keys)
    if (!compiled.ok)
      throw new Error(
        `[publisher] snapshot ${state.version} cannot be read, and the document does not compile`,
      )
    return this.#commitCompiled(
      above,
      effective(this.sql, changes),
      document,
      compiled.value,
      act,
      nowMs,
      state,
    )
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
    const held = this.current?.is(from) ? this.current.snapshot : null
    const last = held ?? readSnapshot(this.sql, from.epoch, from.version)
    const next = this.#commit(state, changes, snapshotChange(last, compiled.snapshot), act, nowMs)
    this.current = new Current(next, document, compiled)
    return next
  }

  #commit(
    state: State,
    changes: readonly EffectiveChange[],
    snapshot: SnapshotChange,
    act: Act,
    nowMs: number,
  ): State {
    const next = commitVersion(this.sql, state, changes, snapshot, act, nowMs)
    if (changes.some(({ kind }) => kind === 'route')) this.#routesChanged(nowMs)
    return next
  }
}

/** Whether there is more to say about a change of the flag than whether it is valid. */
const mayMigrate = (flag: unknown): boolean => isObject(flag) && flag.kind === 'migration'

const invalidDocument = (errors: readonly CompileIssue[]): Failed =>
  failed({ reason: 'invalid', what: 'document', errors })
