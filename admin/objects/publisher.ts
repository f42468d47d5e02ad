/**
 * Publishes: makes the next version of an environment, with its snapshot, or changes nothing. Its methods run inside the
 * caller's transaction; after one that failed, call `forget`.
 */
import {
  type CompileIssue,
  compile,
  decodeSnapshot,
  encodeSnapshot,
  ok,
  type Result,
} from '../../engine/index.ts'
import { changedEntities, type TextChange } from '../audit/change.ts'
import { completeDocument, type Document, EMPTY_DOCUMENT, presentDocument } from '../document.ts'
import { type Failure, failed } from '../failure.ts'
import type { Side } from '../governance/impact.ts'
import { type Act, accessOf, type SdkKey, type Settings } from '../settings.ts'
import { appendAudit } from '../storage/audit.ts'
import { changesBetween, loadDocument } from '../storage/document.ts'
import {
  type Change,
  type EffectiveChange,
  effective,
  type Kind,
  pruneEntities,
  readEntity,
  writeChanges,
} from '../storage/entities.ts'
import { keyChange, readKeys, readSettings, settingsChange } from '../storage/settings.ts'
import { type State, writeState } from '../storage/state.ts'
import { pruneVersions, readSnapshot, writeVersion } from '../storage/versions.ts'

export interface Published {
  /** Where the environment stands now; the version before, if nothing changed. */
  readonly state: State
  readonly warnings: readonly CompileIssue[]
}

export class Publisher {
  readonly #sql: SqlStorage
  readonly #local: boolean
  /** The document of one version, parsed: rebuilt after an eviction when it is first needed. */
  #parsed: { readonly epoch: number; readonly version: number; readonly document: Document } | null = null

  constructor(sql: SqlStorage, local: boolean) {
    this.#sql = sql
    this.#local = local
  }

  /** The current document. Throws if what is stored cannot be read. */
  document(state: State): Document {
    if (this.#parsed?.version !== state.version || this.#parsed.epoch !== state.epoch) {
      this.#parsed = { ...state, document: loadDocument(this.#sql, state.version) }
    }
    return this.#parsed.document
  }

  forget(): void {
    this.#parsed = null
  }

  /** Publishes the first version: an empty document. */
  create(state: Omit<State, 'version' | 'kills'>, settings: Settings, act: Act, nowMs: number): State {
    const start = { ...state, version: 0, kills: 0 }
    const compiled = this.#compile(start, EMPTY_DOCUMENT, settings, [])
    if (!compiled.ok)
      throw new Error(`[publisher] an empty document does not compile: ${JSON.stringify(compiled.error)}`)
    return this.#commit(
      start,
      effective(this.#sql, [settingsChange(settings)]),
      compiled.value.text,
      act,
      nowMs,
      EMPTY_DOCUMENT,
    )
  }

  /** Publishes a document, or anything that claims to be one; one that says what the current one says is no new version. */
  publishDocument(state: State, value: unknown, act: Act, nowMs: number): Result<Published, Failure> {
    const compiled = this.#compile(state, value, readSettings(this.#sql), readKeys(this.#sql))
    if (!compiled.ok) return invalidDocument(compiled.error)
    const { text, warnings } = compiled.value
    const document = completeDocument(value)
    const changes = effective(this.#sql, changesBetween(this.document(state), document))
    if (changes.length === 0) return ok({ state, warnings })
    return ok({ state: this.#commit(state, changes, text, act, nowMs, document), warnings })
  }

  /** Publishes other settings, checked against the current document. */
  publishSettings(state: State, settings: Settings, act: Act, nowMs: number): Result<Published, Failure> {
    const document = this.document(state)
    const compiled = this.#compile(state, document, settings, readKeys(this.#sql))
    if (!compiled.ok) return invalidDocument(compiled.error)
    const { text, warnings } = compiled.value
    const changes = effective(this.#sql, [settingsChange(settings)])
    if (changes.length === 0) return ok({ state, warnings })
    return ok({ state: this.#commit(state, changes, text, act, nowMs, document), warnings })
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
    const held = readSnapshot(this.#sql, state.epoch, state.version)
    const current = held === null ? null : decodeSnapshot(held)
    if (!current?.ok) throw new Error(`[publisher] snapshot ${state.version} cannot be read`)
    const compiled = this.#compile(state, value, readSettings(this.#sql), readKeys(this.#sql))
    if (!compiled.ok) return compiled
    const next = decodeSnapshot(compiled.value.text)
    if (!next.ok) throw new Error(`[publisher] a new snapshot cannot be read: ${next.error.message}`)
    return ok({
      before: { document: presentDocument(this.document(state)), snapshot: current.value },
      after: { document: presentDocument(completeDocument(value)), snapshot: next.value },
      warnings: compiled.value.warnings,
    })
  }

  #republish(
    state: State,
    above: State,
    keys: readonly SdkKey[],
    changes: readonly Change[],
    act: Act,
    nowMs: number,
  ): State {
    const text = this.#stamped(state, above, keys)
    const document = this.#parsed?.version === state.version ? this.#parsed.document : null
    return this.#commit(above, effective(this.#sql, changes), text, act, nowMs, document)
  }

  /** The current snapshot as the next version of `above`: needs no compile, so it works whatever the stored document has become. */
  #stamped(state: State, above: State, keys: readonly SdkKey[]): string {
    const settings = readSettings(this.#sql)
    const held = readSnapshot(this.#sql, state.epoch, state.version)
    const snapshot = held === null ? null : decodeSnapshot(held)
    if (snapshot?.ok) {
      const { epoch, version } = above
      const access = accessOf(settings, keys, this.#local)
      return encodeSnapshot({ ...snapshot.value, epoch, version: version + 1, access })
    }
    // Written in a format that is no longer read: the document is what is left.
    const compiled = this.#compile(above, this.document(state), settings, keys)
    if (compiled.ok) return compiled.value.text
    throw new Error(`[publisher] snapshot ${state.version} cannot be read, and the document does not compile`)
  }

  #compile(
    state: State,
    document: unknown,
    settings: Settings,
    keys: readonly SdkKey[],
  ): Result<{ text: string; warnings: readonly CompileIssue[] }, readonly CompileIssue[]> {
    const compiled = compile(document, {
      environment: state.name,
      epoch: state.epoch,
      version: state.version + 1,
      access: accessOf(settings, keys, this.#local),
      allowPrivateOrigins: this.#local,
      edgeHosts: settings.edgeHosts,
    })
    if (!compiled.ok) return compiled
    return ok({ text: encodeSnapshot(compiled.value.snapshot), warnings: compiled.value.warnings })
  }

  #commit(
    state: State,
    changes: readonly EffectiveChange[],
    snapshot: string,
    act: Act,
    nowMs: number,
    document: Document | null,
  ): State {
    const next: State = { ...state, version: state.version + 1 }
    this.#audit(next, changes, act, nowMs)
    writeChanges(this.#sql, next.version, changes, nowMs)
    writeState(this.#sql, next)
    const { actor, reason } = act.author
    writeVersion(this.#sql, { ...next, actor, reason, createdAtMs: nowMs }, snapshot)
    const oldest = pruneVersions(this.#sql, nowMs)
    if (oldest !== null) pruneEntities(this.#sql, oldest)
    this.#parsed = document === null ? null : { ...next, document }
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

function* textChanges(sql: SqlStorage, changes: readonly EffectiveChange[]): Generator<TextChange> {
  for (const { kind, key, text } of changes)
    yield {
      subject: kind === 'settings' || kind === 'route-order' ? kind : `${kind}:${key}`,
      before: shown(kind, readEntity(sql, kind, key)?.text ?? null),
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
