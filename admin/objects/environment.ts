/**
 * One environment: the single writer of its document, versions, settings, SDK keys and kill list. A shell: each public
 * method is one RPC, decides in one transaction, and answers expected failures as plain data; what others need to hear is
 * marked in that transaction and carried out after it (outbox.ts).
 */
import { DurableObject } from 'cloudflare:workers'
import {
  type CompileIssue,
  decodeSnapshot,
  encodeLastKnownGood,
  explain,
  type KillList,
  type KillTarget,
  type Known,
  lastKnownGoodKey,
  ok,
  prepare,
  type Result,
  type Update,
} from '../../engine/index.ts'
import type { EntityKind } from '../document.ts'
import { applyEdit, type Edit } from '../edit.ts'
import { type Env, parseConfig } from '../env.ts'
import { type Failure, failed, invalid } from '../failure.ts'
import { documentText, entityText, type Form } from '../form.ts'
import { parseJson } from '../json.ts'
import { logError } from '../log.ts'
import { nearest } from '../nearest.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import { type Author, MAX_KEYS, type SdkKey, type Settings } from '../settings.ts'
import { loadDocument } from '../storage/document.ts'
import {
  changesOf,
  type EntityChange,
  keysOfKind,
  pageEntities,
  readEntity,
  type Stored,
  sinceOf,
} from '../storage/entities.ts'
import { expireKills, type KillRecord, killsForEdges, nextExpiryMs, pageKills } from '../storage/kills.ts'
import { readKeys, readSettings, SETTINGS_KEY } from '../storage/settings.ts'
import { clearState, readLineage, readState, type State, writeState } from '../storage/state.ts'
import { pageVersions, readSnapshot, readVersion, type Version } from '../storage/versions.ts'
import { type DirectoryEntry, PROJECT_NAME } from './directory.ts'
import { findKill, type KillRequest, liftKill, placeKill } from './kill-switch.ts'
import { ENVIRONMENT_MIGRATIONS, migrate } from './migrations.ts'
import { Outbox } from './outbox.ts'
import { Publisher } from './publisher.ts'

type Answer<T> = Result<T, Failure>

/** An environment as people see it. */
export interface Description extends Settings {
  readonly name: string
  readonly epoch: number
  /** Version of the current snapshot and document. */
  readonly version: number
  /** Version of the kill list. */
  readonly killsVersion: number
  /** Version in which the settings last changed. */
  readonly revision: number
  readonly createdAtMs: number
}

export interface Edited {
  /** The environment's version now; the one before if nothing changed. */
  readonly version: number
  /** The entity was not there before. */
  readonly created: boolean
  readonly warnings: readonly CompileIssue[]
  /** New state of what was put, patched or toggled. */
  readonly entities: readonly Stored[]
}

/** A version and what it changed: the first of `changeCount` changes. */
export interface VersionSummary extends Version {
  readonly changeCount: number
  readonly changes: readonly EntityChange[]
}

/** Changes named for each version in a list; one version alone names all. */
const LISTED_CHANGES = 20
/** An alarm this late is taken for lost and set again by the next read. */
const ALARM_LATE_MS = 5_000
/** Above any epoch that seconds or raises can reach; a caller that knows more is broken. */
const MAX_KNOWN = 2 ** 48

/** What `read` answers from, without a query. */
interface Live {
  readonly state: State
  readonly kills: KillList
}

export class EnvironmentObject extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #publisher: Publisher
  readonly #outbox: Outbox<'last-known-good' | 'directory'>
  #live: Live | null = null
  /** When the alarm is set for, ms since 1970, as far as this instance knows. */
  #armedMs: number | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, ENVIRONMENT_MIGRATIONS)
    this.#publisher = new Publisher(this.#sql, parseConfig(env).local)
    this.#outbox = new Outbox(this.#sql, {
      'last-known-good': () => this.#copyLastKnownGood(),
      directory: () => this.#reportToDirectory(),
    })
  }

  // The edge, through ControlRpc.

  /** Small and from memory. A caller that knows more than this storage proves that storage went back in time. */
  read(known: Known): Answer<Update> {
    const live = this.#current()
    if (live === null) return failed({ reason: 'environment-unknown' })
    if (this.#armedMs !== null && Date.now() > this.#armedMs + ALARM_LATE_MS) this.#arm(true)
    const { state, kills } = isAhead(known, live.state) ? this.#raiseEpoch(known) : live
    const upToDate = known.epoch === state.epoch && known.kills === state.kills
    return ok({
      environment: state.name,
      epoch: state.epoch,
      snapshot: state.version,
      kills: upToDate ? null : kills,
    })
  }

  /** Wire form of a snapshot. */
  snapshot(epoch: number, version: number): Answer<string> {
    const text = readSnapshot(this.#sql, epoch, version)
    const key = `${version} of epoch ${epoch}`
    return text === null ? failed({ reason: 'unknown', what: 'snapshot', key, nearest: null }) : ok(text)
  }

  // Settings.

  describe(): Answer<Description> {
    const state = readState(this.#sql)
    return state === null ? failed({ reason: 'environment-unknown' }) : ok(this.#description(state))
  }

  /** Creates the environment (`absent`) or changes its settings. */
  async putSettings(
    name: string,
    settings: Settings,
    precondition: Precondition,
    author: Author,
  ): Promise<Answer<{ created: boolean; description: Description }>> {
    const answer = this.#write((nowMs): Answer<{ created: boolean; description: Description }> => {
      const state = readState(this.#sql)
      const revision = sinceOf(this.#sql, 'settings', SETTINGS_KEY)
      const allowed = checkPrecondition(precondition, 'environment', name, revision)
      if (!allowed.ok) return allowed
      const published =
        state === null
          ? ok({ state: this.#create(name, settings, author, nowMs) })
          : this.#publisher.publishSettings(state, settings, author, nowMs)
      if (!published.ok) return published
      this.#publishedAt(nowMs)
      this.#outbox.mark('directory', nowMs)
      return ok({ created: state === null, description: this.#description(published.value.state) })
    })
    await this.#tellDirectory()
    return answer
  }

  /** Deletes the environment and all it holds. Edges go on with what they have. */
  async remove(name: string, precondition: Precondition): Promise<Answer<null>> {
    const answer = this.#decide((_, nowMs): Answer<null> => {
      const revision = sinceOf(this.#sql, 'settings', SETTINGS_KEY)
      const allowed = checkPrecondition(precondition, 'environment', name, revision)
      if (!allowed.ok) return allowed
      clearState(this.#sql)
      this.#publisher.forget()
      this.#publishedAt(nowMs)
      this.#outbox.mark('directory', nowMs)
      return ok(null)
    })
    await this.#tellDirectory()
    return answer
  }

  async addKey(key: SdkKey, author: Author): Promise<Answer<null>> {
    const answer = this.#decide((state, nowMs): Answer<null> => {
      if (readKeys(this.#sql).length >= MAX_KEYS)
        return invalid(
          'key',
          '$.environment',
          `has ${MAX_KEYS} SDK keys, which is the most; delete one first`,
        )
      this.#publisher.publishKey(state, key.id, key, author, nowMs)
      this.#publishedAt(nowMs)
      this.#outbox.mark('directory', nowMs)
      return ok(null)
    })
    await this.#tellDirectory()
    return answer
  }

  async removeKey(id: string, author: Author): Promise<Answer<null>> {
    const answer = this.#decide((state, nowMs): Answer<null> => {
      if (sinceOf(this.#sql, 'sdk-key', id) === null)
        return failed({ reason: 'unknown', what: 'key', key: id, nearest: null })
      this.#publisher.publishKey(state, id, null, author, nowMs)
      this.#publishedAt(nowMs)
      this.#outbox.mark('directory', nowMs)
      return ok(null)
    })
    await this.#tellDirectory()
    return answer
  }

  // The document.

  /** JSON text of the document at a version that is kept, or of the current one. */
  document(version: number | null, form: Form): Answer<{ version: number; text: string }> {
    const state = readState(this.#sql)
    if (state === null) return failed({ reason: 'environment-unknown' })
    if (version !== null && readVersion(this.#sql, version) === null)
      return failed({ reason: 'unknown', what: 'version', key: String(version), nearest: null })
    const document = version === null ? this.#publisher.document(state) : loadDocument(this.#sql, version)
    return ok({ version: version ?? state.version, text: documentText(document, form) })
  }

  /** `precondition` is `null` for edits that need none. */
  edit(edit: Edit, precondition: Precondition | null, author: Author): Answer<Edited> {
    return this.#decide((state, nowMs) => {
      const current = this.#versionOf(state, edit)
      // Without the thing itself there is nothing to compare: `applyEdit` answers that it is unknown.
      const checked = precondition !== null && !(current === null && edit.do !== 'put')
      if (checked) {
        const { what, key } = subjectOf(state, edit)
        const allowed = checkPrecondition(precondition, what, key, current)
        if (!allowed.ok) return allowed
      }
      const outcome = applyEdit(this.#publisher.document(state), edit)
      if (!outcome.ok) return outcome
      const { document, kind, keys } = outcome.value
      const published = this.#publisher.publishDocument(state, document, author, nowMs)
      if (!published.ok) return published
      const { version } = published.value.state
      if (version !== state.version) this.#publishedAt(nowMs)
      const entities = keys.flatMap((key) => readEntity(this.#sql, kind, key) ?? [])
      return ok({ version, created: current === null, warnings: published.value.warnings, entities })
    })
  }

  entity(kind: EntityKind, key: string, form: Form): Answer<Stored> {
    if (readState(this.#sql) === null) return failed({ reason: 'environment-unknown' })
    const stored = readEntity(this.#sql, kind, key)
    if (stored === null)
      return failed({
        reason: 'unknown',
        what: kind,
        key,
        nearest: nearest(key, keysOfKind(this.#sql, kind)),
      })
    return ok({ ...stored, text: entityText(kind, key, stored.text, form) })
  }

  /** One page, by key, after the key `after`; with the environment's version. */
  entities(
    kind: EntityKind,
    after: string,
    limit: number,
    form: Form,
  ): Answer<{ version: number; items: Stored[] }> {
    const state = readState(this.#sql)
    if (state === null) return failed({ reason: 'environment-unknown' })
    const items = pageEntities(this.#sql, kind, after, limit)
    const shown = items.map((item) => ({ ...item, text: entityText(kind, item.key, item.text, form) }))
    return ok({ version: state.version, items: shown })
  }

  /** Versions below `before`, newest first. */
  versions(before: number, limit: number): Answer<VersionSummary[]> {
    if (readState(this.#sql) === null) return failed({ reason: 'environment-unknown' })
    return ok(pageVersions(this.#sql, before, limit).map((version) => this.#summary(version, LISTED_CHANGES)))
  }

  version(n: number): Answer<VersionSummary> {
    if (readState(this.#sql) === null) return failed({ reason: 'environment-unknown' })
    const version = readVersion(this.#sql, n)
    if (version === null) return failed({ reason: 'unknown', what: 'version', key: String(n), nearest: null })
    return ok(this.#summary(version, Number.MAX_SAFE_INTEGER))
  }

  /** Compiles a document without saving it. */
  validate(text: string): Answer<{ errors: readonly CompileIssue[]; warnings: readonly CompileIssue[] }> {
    const state = readState(this.#sql)
    if (state === null) return failed({ reason: 'environment-unknown' })
    const value = parseJson(text)
    if (!value.ok) return failed({ reason: 'malformed', ...value.error })
    const checked = this.#publisher.check(state, value.value)
    return ok(checked.ok ? { errors: [], warnings: checked.value } : { errors: checked.error, warnings: [] })
  }

  /** JSON text of the decision and its steps, as an edge with the current snapshot and kills decides. */
  explain(flag: string, context: Record<string, unknown>): Answer<string> {
    const live = this.#current()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const { epoch, version } = live.state
    const text = readSnapshot(this.#sql, epoch, version)
    const snapshot = text === null ? null : decodeSnapshot(text)
    if (!snapshot?.ok) throw new Error(`[environment] snapshot ${version} of epoch ${epoch} cannot be read`)
    return ok(JSON.stringify(explain(prepare(snapshot.value, live.kills), flag, context)))
  }

  // Kills.

  kill(target: string): Answer<KillRecord> {
    if (readState(this.#sql) === null) return failed({ reason: 'environment-unknown' })
    return findKill(this.#sql, target)
  }

  /** One page, newest first, with the list's version. */
  kills(
    after: readonly [number, string] | null,
    limit: number,
  ): Answer<{ version: number; items: KillRecord[] }> {
    const state = readState(this.#sql)
    if (state === null) return failed({ reason: 'environment-unknown' })
    return ok({ version: state.kills, items: pageKills(this.#sql, after, limit) })
  }

  putKill(
    target: KillTarget,
    request: KillRequest,
    actor: string,
  ): Answer<{ created: boolean; version: number; kill: KillRecord }> {
    return this.#decide((state, nowMs) => {
      const placed = placeKill(
        this.#sql,
        () => this.#publisher.document(state),
        target,
        request,
        actor,
        nowMs,
      )
      return placed.ok ? ok({ ...placed.value, version: this.#killsChanged(state, nowMs) }) : placed
    })
  }

  removeKill(target: string): Answer<{ version: number }> {
    return this.#decide((state, nowMs) => {
      const lifted = liftKill(this.#sql, target)
      return lifted.ok ? ok({ version: this.#killsChanged(state, nowMs) }) : lifted
    })
  }

  /** Ends kills whose time is over and carries out what is owed. Safe to run at any time, any number of times. */
  override async alarm(): Promise<void> {
    this.#armedMs = null
    try {
      this.#write((nowMs) => {
        const state = readState(this.#sql)
        if (state !== null && expireKills(this.#sql, nowMs).length > 0) this.#killsChanged(state, nowMs)
      })
      await this.#outbox.flush(Date.now, this.#logFields())
    } finally {
      this.#arm(true)
    }
  }

  // Decisions: one transaction each, and memory that never runs ahead of it.

  #decide<T>(work: (state: State, nowMs: number) => Answer<T>): Answer<T> {
    return this.#write((nowMs) => {
      const state = readState(this.#sql)
      return state === null ? failed({ reason: 'environment-unknown' }) : work(state, nowMs)
    })
  }

  #write<T>(work: (nowMs: number) => T): T {
    this.#live = null
    try {
      return this.ctx.storage.transactionSync(() => work(Date.now()))
    } catch (thrown) {
      this.#publisher.forget()
      throw thrown
    } finally {
      this.#arm()
    }
  }

  #create(name: string, settings: Settings, author: Author, nowMs: number): State {
    const epoch = Math.max(Math.floor(nowMs / 1000), (readLineage(this.#sql)?.epoch ?? 0) + 1)
    return this.#publisher.create({ name, epoch, createdAtMs: nowMs }, settings, author, nowMs)
  }

  #publishedAt(nowMs: number): void {
    this.#outbox.mark('last-known-good', nowMs)
  }

  #killsChanged(state: State, nowMs: number): number {
    const next = { ...state, kills: state.kills + 1 }
    writeState(this.#sql, next)
    this.#outbox.mark('last-known-good', nowMs)
    return next.kills
  }

  /** Starts an epoch above everything that edges have seen, with what this storage holds. */
  #raiseEpoch(known: Known): Live {
    if (
      ![known.epoch, known.snapshot, known.kills].every(
        (n) => Number.isSafeInteger(n) && n >= 0 && n < MAX_KNOWN,
      )
    )
      throw new Error(`[environment] known must hold whole numbers below 2^48, got ${JSON.stringify(known)}`)
    this.#write((nowMs) => {
      const state = readState(this.#sql)!
      const above: State = {
        ...state,
        epoch: Math.max(state.epoch, known.epoch) + 1,
        version: Math.max(state.version, known.snapshot),
        kills: Math.max(state.kills, known.kills) + 1,
      }
      const reason = `edges hold epoch ${known.epoch}, version ${known.snapshot}, kills ${known.kills}: storage went back in time`
      const next = this.#publisher.republish(state, above, { actor: 'turnout', reason }, nowMs)
      this.#publishedAt(nowMs)
      this.#outbox.mark('directory', nowMs)
      logError('epoch-raised', {
        environment: state.name,
        from: state.epoch,
        to: next.epoch,
        version: next.version,
        reason,
      })
    })
    return this.#current()!
  }

  #versionOf(state: State, edit: Edit): number | null {
    switch (edit.do) {
      case 'put-document':
      case 'patch-flags':
        return state.version
      case 'toggle':
        return sinceOf(this.#sql, 'flag', edit.key)
      default:
        return sinceOf(this.#sql, edit.kind, edit.key)
    }
  }

  #current(): Live | null {
    if (this.#live === null) {
      const state = readState(this.#sql)
      if (state === null) return null
      const { epoch, kills: version } = state
      this.#live = { state, kills: { epoch, version, kills: killsForEdges(this.#sql) } }
      this.#armedMs ??= this.#nextDueMs()
    }
    return this.#live
  }

  #description(state: State): Description {
    const revision = sinceOf(this.#sql, 'settings', SETTINGS_KEY)
    if (revision === null) throw new Error(`[environment] ${state.name} has no settings`)
    const { name, epoch, version, kills, createdAtMs } = state
    return { name, ...readSettings(this.#sql), epoch, version, killsVersion: kills, revision, createdAtMs }
  }

  #summary(version: Version, limit: number): VersionSummary {
    const { count, changes } = changesOf(this.#sql, version.version, limit)
    return { ...version, changeCount: count, changes }
  }

  // Effects.

  #nextDueMs(): number | null {
    const due = [nextExpiryMs(this.#sql), this.#outbox.nextDueMs()].filter((at) => at !== null)
    return due.length === 0 ? null : Math.min(...due)
  }

  /** Sets the object's one alarm for whatever is due next. */
  #arm(anew = false): void {
    const dueMs = this.#nextDueMs()
    if (dueMs !== null && (anew || dueMs !== this.#armedMs))
      this.ctx.waitUntil(this.ctx.storage.setAlarm(dueMs))
    this.#armedMs = dueMs
  }

  async #copyLastKnownGood(): Promise<void> {
    const live = this.#current()
    if (live === null) {
      const gone = readLineage(this.#sql)
      if (gone !== null) await this.env.LAST_KNOWN_GOOD.delete(lastKnownGoodKey(gone.name))
      return
    }
    const { name, epoch, version } = live.state
    const snapshot = readSnapshot(this.#sql, epoch, version)
    if (snapshot === null) throw new Error(`snapshot ${version} of epoch ${epoch} is missing`)
    const copy = encodeLastKnownGood({ writtenAtMs: Date.now(), kills: live.kills, snapshot })
    await this.env.LAST_KNOWN_GOOD.put(lastKnownGoodKey(name), copy)
  }

  async #reportToDirectory(): Promise<void> {
    const project = this.env.PROJECT.getByName(PROJECT_NAME)
    const state = readState(this.#sql)
    if (state !== null) {
      const keys = readKeys(this.#sql).map(({ hash: _, ...entry }) => entry)
      const entry: DirectoryEntry = { ...this.#description(state), keys }
      await project.record(entry)
      return
    }
    const gone = readLineage(this.#sql)
    if (gone !== null) await project.forget(gone.name, gone.epoch, gone.version)
  }

  /** At once, so that lists show what was just done; the alarm tries again if this fails. */
  async #tellDirectory(): Promise<void> {
    await this.#outbox.flushNow('directory', Date.now, this.#logFields())
    this.#arm()
  }

  #logFields(): { environment: string } {
    return { environment: readLineage(this.#sql)?.name ?? '' }
  }
}

/** Whether a caller holds something newer than this storage. */
const isAhead = (known: Known, { epoch, version, kills }: State): boolean =>
  known.epoch > epoch || (known.epoch === epoch && (known.snapshot > version || known.kills > kills))

function subjectOf(state: State, edit: Edit): { what: string; key: string } {
  switch (edit.do) {
    case 'put-document':
      return { what: 'document', key: state.name }
    case 'patch-flags':
      return { what: 'flags', key: state.name }
    case 'toggle':
      return { what: 'flag', key: edit.key }
    default:
      return { what: edit.kind, key: edit.key }
  }
}
