/**
 * One environment: the single writer of its document, versions, settings, SDK keys and kill list. A shell: each public
 * method is one RPC, decides in one transaction, and answers expected failures as plain data; what others need to hear is
 * marked in that transaction and carried out after it (outbox.ts).
 */
import { DurableObject } from 'cloudflare:workers'
import {
  type CompileIssue,
  decodeSnapshot,
  explain,
  type KillList,
  type KillTarget,
  type Known,
  ok,
  prepare,
  type Update,
} from '../../engine/index.ts'
import type { EntityKind } from '../document.ts'
import type { Edit } from '../edit.ts'
import { type Env, parseConfig } from '../env.ts'
import { failed, invalid } from '../failure.ts'
import { documentText, entityText, type Form } from '../form.ts'
import { parseJson } from '../json.ts'
import { logError } from '../log.ts'
import { nearest } from '../nearest.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import { type Author, MAX_KEYS, type SdkKey, type Settings } from '../settings.ts'
import { loadDocument } from '../storage/document.ts'
import { keysOfKind, pageEntities, readEntity, type Stored, sinceOf } from '../storage/entities.ts'
import { expireKills, type KillRecord, killsForEdges, nextExpiryMs, pageKills } from '../storage/kills.ts'
import { readKeys } from '../storage/settings.ts'
import { clearState, readLineage, readState, type State, writeState } from '../storage/state.ts'
import { pageVersions, readSnapshot, readVersion } from '../storage/versions.ts'
import { AlarmClock } from './alarm-clock.ts'
import {
  type Answer,
  type Description,
  describe,
  type Edited,
  revisionOf,
  summarize,
  type VersionSummary,
} from './answers.ts'
import { PROJECT_NAME } from './directory.ts'
import { carryOutEdit } from './editing.ts'
import { copyLastKnownGood, reportToDirectory } from './effects.ts'
import { isAhead, isPossible, mintEpoch, raisedAbove } from './epoch.ts'
import { findKill, type KillRequest, liftKill, placeKill } from './kill-switch.ts'
import { ENVIRONMENT_MIGRATIONS, migrate } from './migrations.ts'
import { Outbox } from './outbox.ts'
import { Publisher } from './publisher.ts'

/** Changes named for each version in a list; one version alone names all. */
const LISTED_CHANGES = 20

/** What `read` answers from, without a query. */
interface Live {
  readonly state: State
  readonly kills: KillList
}

export class EnvironmentObject extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #publisher: Publisher
  readonly #outbox: Outbox<'last-known-good' | 'directory'>
  readonly #clock: AlarmClock
  /** Dropped by every write. */
  #live: Live | null = null

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, ENVIRONMENT_MIGRATIONS)
    this.#publisher = new Publisher(this.#sql, parseConfig(env).local)
    this.#clock = new AlarmClock(ctx)
    this.#outbox = new Outbox(this.#sql, {
      'last-known-good': () => copyLastKnownGood(this.#sql, this.env.LAST_KNOWN_GOOD),
      directory: () => reportToDirectory(this.#sql, this.env.PROJECT.getByName(PROJECT_NAME)),
    })
  }

  // The edge, through ControlRpc.

  /** Small, and from memory. */
  read(known: Known): Answer<Update> {
    const live = this.#current()
    if (live === null) return failed({ reason: 'environment-unknown' })
    if (this.#clock.isLate(Date.now())) this.#arm('anew')
    const ahead = isAhead(known, live.state)
    if (ahead && !isPossible(known))
      return invalid('known', '$', `must hold whole numbers, got ${JSON.stringify(known)}`)
    const { state, kills } = ahead ? this.#raiseEpoch(known) : live
    const upToDate = known.epoch === state.epoch && known.kills === state.kills
    const { name: environment, epoch, version: snapshot } = state
    return ok({ environment, epoch, snapshot, kills: upToDate ? null : kills })
  }

  /** Wire form of a snapshot; of the last few versions. */
  snapshot(epoch: number, version: number): Answer<string> {
    const text = readSnapshot(this.#sql, epoch, version)
    const key = `${version} of epoch ${epoch}`
    return text === null ? failed({ reason: 'unknown', what: 'snapshot', key, nearest: null }) : ok(text)
  }

  // Settings and SDK keys.

  describe(): Answer<Description> {
    return this.#ask((state) => ok(describe(this.#sql, state)))
  }

  /** Creates the environment (`absent`) or changes its settings. */
  putSettings(
    name: string,
    settings: Settings,
    precondition: Precondition,
    author: Author,
  ): Promise<Answer<{ created: boolean; description: Description }>> {
    const answer = this.#write((nowMs): Answer<{ created: boolean; description: Description }> => {
      const allowed = checkPrecondition(precondition, 'environment', name, revisionOf(this.#sql))
      if (!allowed.ok) return allowed
      const state = readState(this.#sql)
      const published = state
        ? this.#publisher.publishSettings(state, settings, author, nowMs)
        : ok({ state: this.#create(name, settings, author, nowMs) })
      if (!published.ok) return published
      this.#mark(nowMs, 'last-known-good', 'directory')
      return ok({ created: state === null, description: describe(this.#sql, published.value.state) })
    })
    return this.#toldToDirectory(answer)
  }

  /** Deletes the environment and all it holds. Edges go on with what they have. */
  remove(precondition: Precondition): Promise<Answer<null>> {
    const answer = this.#decide(({ name }, nowMs): Answer<null> => {
      const allowed = checkPrecondition(precondition, 'environment', name, revisionOf(this.#sql))
      if (!allowed.ok) return allowed
      clearState(this.#sql)
      this.#mark(nowMs, 'last-known-good', 'directory')
      return ok(null)
    })
    return this.#toldToDirectory(answer)
  }

  addKey(key: SdkKey, author: Author): Promise<Answer<null>> {
    const answer = this.#decide((state, nowMs): Answer<null> => {
      if (readKeys(this.#sql).length >= MAX_KEYS)
        return invalid(
          'key',
          '$.environment',
          `has ${MAX_KEYS} SDK keys, which is the most; revoke one first`,
        )
      this.#publisher.publishKey(state, key.id, key, author, nowMs)
      this.#mark(nowMs, 'last-known-good', 'directory')
      return ok(null)
    })
    return this.#toldToDirectory(answer)
  }

  removeKey(id: string, author: Author): Promise<Answer<null>> {
    const answer = this.#decide((state, nowMs): Answer<null> => {
      if (sinceOf(this.#sql, 'sdk-key', id) === null)
        return failed({ reason: 'unknown', what: 'key', key: id, nearest: null })
      this.#publisher.publishKey(state, id, null, author, nowMs)
      this.#mark(nowMs, 'last-known-good', 'directory')
      return ok(null)
    })
    return this.#toldToDirectory(answer)
  }

  // The document and its versions.

  /** JSON text of the document at a version that is kept, or of the current one (`null`). */
  document(version: number | null, form: Form): Answer<{ version: number; text: string }> {
    return this.#ask((state) => {
      if (version !== null && readVersion(this.#sql, version) === null) return unknownVersion(version)
      const document = version === null ? this.#publisher.document(state) : loadDocument(this.#sql, version)
      return ok({ version: version ?? state.version, text: documentText(document, form) })
    })
  }

  /** Changes the document; `precondition` is `null` for edits that need none. */
  edit(edit: Edit, precondition: Precondition | null, author: Author): Answer<Edited> {
    return this.#decide((state, nowMs) => {
      const edited = carryOutEdit(this.#sql, this.#publisher, state, edit, precondition, author, nowMs)
      if (edited.ok && edited.value.version !== state.version) this.#mark(nowMs, 'last-known-good')
      return edited
    })
  }

  entity(kind: EntityKind, key: string, form: Form): Answer<Stored> {
    return this.#ask(() => {
      const stored = readEntity(this.#sql, kind, key)
      if (stored !== null) return ok({ ...stored, text: entityText(kind, key, stored.text, form) })
      return failed({
        reason: 'unknown',
        what: kind,
        key,
        nearest: nearest(key, keysOfKind(this.#sql, kind)),
      })
    })
  }

  /** One page, by key, after the key `after`; with the environment's version. */
  entities(
    kind: EntityKind,
    after: string,
    limit: number,
    form: Form,
  ): Answer<{ version: number; items: Stored[] }> {
    return this.#ask(({ version }) => {
      const items = pageEntities(this.#sql, kind, after, limit)
      const shown = items.map((item) => ({ ...item, text: entityText(kind, item.key, item.text, form) }))
      return ok({ version, items: shown })
    })
  }

  /** Versions below `before`, newest first. */
  versions(before: number, limit: number): Answer<VersionSummary[]> {
    return this.#ask(() => {
      const versions = pageVersions(this.#sql, before, limit)
      return ok(versions.map((version) => summarize(this.#sql, version, LISTED_CHANGES)))
    })
  }

  version(n: number): Answer<VersionSummary> {
    return this.#ask(() => {
      const version = readVersion(this.#sql, n)
      return version ? ok(summarize(this.#sql, version, Number.MAX_SAFE_INTEGER)) : unknownVersion(n)
    })
  }

  /** Compiles a document without saving it. */
  validate(text: string): Answer<{ errors: readonly CompileIssue[]; warnings: readonly CompileIssue[] }> {
    return this.#ask((state) => {
      const value = parseJson(text)
      if (!value.ok) return failed({ reason: 'malformed', ...value.error })
      const checked = this.#publisher.check(state, value.value)
      return ok(
        checked.ok ? { errors: [], warnings: checked.value } : { errors: checked.error, warnings: [] },
      )
    })
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
    return this.#ask(() => findKill(this.#sql, target))
  }

  /** One page, newest first, after the one at `after`; with the list's version. */
  kills(
    after: readonly [number, string] | null,
    limit: number,
  ): Answer<{ version: number; items: KillRecord[] }> {
    return this.#ask((state) => ok({ version: state.kills, items: pageKills(this.#sql, after, limit) }))
  }

  putKill(
    target: KillTarget,
    request: KillRequest,
    actor: string,
  ): Answer<{ created: boolean; version: number; kill: KillRecord }> {
    return this.#decide((state, nowMs) => {
      const document = () => this.#publisher.document(state)
      const placed = placeKill(this.#sql, document, target, request, actor, nowMs)
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
    this.#clock.rang()
    try {
      this.#write((nowMs) => {
        const state = readState(this.#sql)
        if (state !== null && expireKills(this.#sql, nowMs).length > 0) this.#killsChanged(state, nowMs)
      })
      await this.#outbox.flush(Date.now, this.#logFields())
    } finally {
      this.#arm()
    }
  }

  // Questions and decisions: one transaction for each decision, and memory that never runs ahead of it.

  #ask<T>(question: (state: State) => Answer<T>): Answer<T> {
    const state = readState(this.#sql)
    return state === null ? failed({ reason: 'environment-unknown' }) : question(state)
  }

  #decide<T>(decision: (state: State, nowMs: number) => Answer<T>): Answer<T> {
    return this.#write((nowMs) => this.#ask((state) => decision(state, nowMs)))
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
    const epoch = mintEpoch(nowMs, readLineage(this.#sql)?.epoch ?? 0)
    return this.#publisher.create({ name, epoch, createdAtMs: nowMs }, settings, author, nowMs)
  }

  /** Notes in the transaction who needs to hear of it. */
  #mark(nowMs: number, ...effects: ('last-known-good' | 'directory')[]): void {
    for (const effect of effects) this.#outbox.mark(effect, nowMs)
  }

  #killsChanged(state: State, nowMs: number): number {
    const version = state.kills + 1
    writeState(this.#sql, { ...state, kills: version })
    this.#mark(nowMs, 'last-known-good')
    return version
  }

  #raiseEpoch(known: Known): Live {
    const holds = `epoch ${known.epoch}, version ${known.snapshot}, kills ${known.kills}`
    const reason = `an edge holds ${holds}: storage went back in time`
    const { name: environment, epoch: from } = this.#write((nowMs) => {
      const state = readState(this.#sql)!
      const author = { actor: 'turnout', reason }
      this.#publisher.republish(state, raisedAbove(known, state), author, nowMs)
      this.#mark(nowMs, 'last-known-good', 'directory')
      return state
    })
    const live = this.#current()!
    logError('epoch-raised', { environment, from, to: live.state.epoch, version: live.state.version, reason })
    return live
  }

  #current(): Live | null {
    if (this.#live === null) {
      const state = readState(this.#sql)
      if (state === null) return null
      const { epoch, kills: version } = state
      this.#live = { state, kills: { epoch, version, kills: killsForEdges(this.#sql) } }
      this.#clock.recall(this.#nextDueMs())
    }
    return this.#live
  }

  // Effects.

  #nextDueMs(): number | null {
    const due = [nextExpiryMs(this.#sql), this.#outbox.nextDueMs()].filter((at) => at !== null)
    return due.length === 0 ? null : Math.min(...due)
  }

  #arm(how: 'anew' | 'if-changed' = 'if-changed'): void {
    if (how === 'anew') this.#clock.rang()
    this.#clock.set(this.#nextDueMs())
  }

  /** At once, so that lists show what was just done; the alarm tries again if this fails. */
  async #toldToDirectory<T>(answer: T): Promise<T> {
    await this.#outbox.flushNow('directory', Date.now, this.#logFields())
    this.#arm()
    return answer
  }

  #logFields(): { environment: string } {
    return { environment: readLineage(this.#sql)?.name ?? '' }
  }
}

const unknownVersion = (n: number) =>
  failed({ reason: 'unknown', what: 'version', key: String(n), nearest: null })
