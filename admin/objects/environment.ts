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
  type KillTarget,
  type Known,
  ok,
  type PublishedKind,
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
import type { Target } from '../propagation.ts'
import { type Author, MAX_KEYS, type SdkKey, type Settings, system } from '../settings.ts'
import {
  type AuditFilter,
  type AuditPosition,
  pageAudit,
  type StoredEntry,
  type Verification,
  verifyAudit,
} from '../storage/audit.ts'
import { loadDocument } from '../storage/document.ts'
import { keysOfKind, pageEntities, readEntity, type Stored, sinceOf } from '../storage/entities.ts'
import { readKillVersion, writeKillVersion } from '../storage/kill-versions.ts'
import { expireKills, type KillRecord, nextExpiryMs, pageKills } from '../storage/kills.ts'
import { addLocation, readLocations } from '../storage/locations.ts'
import { readKeys } from '../storage/settings.ts'
import { clearState, readLineage, readState, type State, writeState } from '../storage/state.ts'
import { pageVersions, readSnapshot, readVersion } from '../storage/versions.ts'
import {
  type Answer,
  type Description,
  describe,
  type Edited,
  revisionOf,
  summarize,
  type VersionSummary,
} from './answers.ts'
import { PROJECT_NAME, WEBHOOKS_NAME } from './directory.ts'
import { carryOutEdit } from './editing.ts'
import { copyLastKnownGood, reportToDirectory } from './effects.ts'
import { isAhead, isPossible, mintEpoch, raisedAbove } from './epoch.ts'
import { handOver } from './hand-over.ts'
import { findKill, type KillRequest, liftKill, placeKill } from './kill-switch.ts'
import { Ledger, type Live } from './ledger.ts'
import { ENVIRONMENT_MIGRATIONS, migrate } from './migrations.ts'
import { Outbox } from './outbox.ts'
import { Publisher } from './publisher.ts'
import { record, recordKill } from './recording.ts'

/** Changes named for each version in a list; one version alone names all. */
const LISTED_CHANGES = 20

export class EnvironmentObject extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #publisher: Publisher
  readonly #ledger: Ledger

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, ENVIRONMENT_MIGRATIONS)
    this.#publisher = new Publisher(this.#sql, parseConfig(env).local)
    const outbox = new Outbox(this.#sql, {
      'last-known-good': () => copyLastKnownGood(this.#sql, this.env.LAST_KNOWN_GOOD),
      directory: () => reportToDirectory(this.#sql, this.env.PROJECT.getByName(PROJECT_NAME)),
      webhooks: () => handOver(this.#sql, this.env.WEBHOOKS.getByName(WEBHOOKS_NAME)),
    })
    this.#ledger = new Ledger(ctx, { outbox, due: [nextExpiryMs], forget: () => this.#publisher.forget() })
  }

  // The edge, through ControlRpc.

  /** Small, and from memory. */
  read(known: Known): Answer<Update> {
    const live = this.#ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    this.#ledger.rearmIfLate()
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

  // Where versions have landed: propagation.ts, over what the MetricsObjects know.

  /** A published version of the snapshot (`null`: the current one) or of the kill list, and every location that ever reported. */
  published(kind: PublishedKind, version: number | null): Answer<{ target: Target; locations: string[] }> {
    return this.#ledger.ask((state) => {
      const n = version ?? state.version
      const found = kind === 'snapshot' ? readVersion(this.#sql, n) : readKillVersion(this.#sql, n)
      if (found === null) return kind === 'snapshot' ? unknownVersion(n) : unknownKillVersion(n)
      const { epoch, createdAtMs: publishedAtMs } = found
      return ok({ target: { kind, epoch, version: n, publishedAtMs }, locations: readLocations(this.#sql) })
    })
  }

  /** Every location that ever reported, by name. */
  locations(): Answer<string[]> {
    return this.#ledger.ask(() => ok(readLocations(this.#sql)))
  }

  addLocation(location: string): Answer<null> {
    return this.#ledger.ask(() => {
      addLocation(this.#sql, location)
      return ok(null)
    })
  }

  /** The same kill list under the next version: travels as a kill does and changes nothing. */
  drill(author: Author): Answer<{ version: number; publishedAtMs: number }> {
    return this.#ledger.decide((state, nowMs) => {
      const version = this.#killsChanged(state, nowMs)
      const act = { action: 'drill', subject: `environment:${state.name}`, author }
      record(this.#sql, state.name, act, nowMs, { kills: version })
      return ok({ version, publishedAtMs: nowMs })
    })
  }

  // Settings and SDK keys.

  describe(): Answer<Description> {
    return this.#ledger.ask((state) => ok(describe(this.#sql, state)))
  }

  /** Creates the environment (`absent`) or changes its settings. */
  putSettings(
    name: string,
    settings: Settings,
    precondition: Precondition,
    author: Author,
  ): Promise<Answer<{ created: boolean; description: Description }>> {
    const answer = this.#ledger.write((nowMs): Answer<{ created: boolean; description: Description }> => {
      const allowed = checkPrecondition(precondition, 'environment', name, revisionOf(this.#sql))
      if (!allowed.ok) return allowed
      const state = readState(this.#sql)
      const published = state
        ? this.#publisher.publishSettings(
            state,
            settings,
            { action: 'environment.updated', subject: `environment:${name}`, author },
            nowMs,
          )
        : ok({ state: this.#create(name, settings, author, nowMs) })
      if (!published.ok) return published
      this.#ledger.mark(nowMs, 'last-known-good', 'directory')
      return ok({ created: state === null, description: describe(this.#sql, published.value.state) })
    })
    return this.#ledger.toldToDirectory(answer)
  }

  /** Deletes the environment and all it holds. Edges go on with what they have. */
  remove(precondition: Precondition, author: Author): Promise<Answer<null>> {
    const answer = this.#ledger.decide(({ name }, nowMs): Answer<null> => {
      const allowed = checkPrecondition(precondition, 'environment', name, revisionOf(this.#sql))
      if (!allowed.ok) return allowed
      const act = { action: 'environment.deleted', subject: `environment:${name}`, author }
      record(this.#sql, name, act, nowMs)
      clearState(this.#sql)
      this.#ledger.mark(nowMs, 'last-known-good', 'directory')
      return ok(null)
    })
    return this.#ledger.toldToDirectory(answer)
  }

  addKey(key: SdkKey, author: Author): Promise<Answer<null>> {
    const answer = this.#ledger.decide((state, nowMs): Answer<null> => {
      if (readKeys(this.#sql).length >= MAX_KEYS)
        return invalid(
          'key',
          '$.environment',
          `has ${MAX_KEYS} SDK keys, which is the most; revoke one first`,
        )
      const act = { action: 'key.created', subject: `sdk-key:${key.id}`, author }
      this.#publisher.publishKey(state, key.id, key, act, nowMs)
      this.#ledger.mark(nowMs, 'last-known-good', 'directory')
      return ok(null)
    })
    return this.#ledger.toldToDirectory(answer)
  }

  removeKey(id: string, author: Author): Promise<Answer<null>> {
    const answer = this.#ledger.decide((state, nowMs): Answer<null> => {
      if (sinceOf(this.#sql, 'sdk-key', id) === null)
        return failed({ reason: 'unknown', what: 'key', key: id, nearest: null })
      const act = { action: 'key.revoked', subject: `sdk-key:${id}`, author }
      this.#publisher.publishKey(state, id, null, act, nowMs)
      this.#ledger.mark(nowMs, 'last-known-good', 'directory')
      return ok(null)
    })
    return this.#ledger.toldToDirectory(answer)
  }

  // The document and its versions.

  /** JSON text of the document at a version that is kept, or of the current one (`null`). */
  document(version: number | null, form: Form): Answer<{ version: number; text: string }> {
    return this.#ledger.ask((state) => {
      if (version !== null && readVersion(this.#sql, version) === null) return unknownVersion(version)
      const document = version === null ? this.#publisher.document(state) : loadDocument(this.#sql, version)
      return ok({ version: version ?? state.version, text: documentText(document, form) })
    })
  }

  /** Changes the document; `precondition` is `null` for edits that need none. */
  edit(edit: Edit, precondition: Precondition | null, author: Author): Answer<Edited> {
    return this.#ledger.decide((state, nowMs) => {
      const edited = carryOutEdit(this.#sql, this.#publisher, state, edit, precondition, author, nowMs)
      if (edited.ok && edited.value.version !== state.version) this.#ledger.mark(nowMs, 'last-known-good')
      return edited
    })
  }

  entity(kind: EntityKind, key: string, form: Form): Answer<Stored> {
    return this.#ledger.ask(() => {
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
    return this.#ledger.ask(({ version }) => {
      const items = pageEntities(this.#sql, kind, after, limit)
      const shown = items.map((item) => ({ ...item, text: entityText(kind, item.key, item.text, form) }))
      return ok({ version, items: shown })
    })
  }

  /** Versions below `before`, newest first. */
  versions(before: number, limit: number): Answer<VersionSummary[]> {
    return this.#ledger.ask(() => {
      const versions = pageVersions(this.#sql, before, limit)
      return ok(versions.map((version) => summarize(this.#sql, version, LISTED_CHANGES)))
    })
  }

  version(n: number): Answer<VersionSummary> {
    return this.#ledger.ask(() => {
      const version = readVersion(this.#sql, n)
      return version ? ok(summarize(this.#sql, version, Number.MAX_SAFE_INTEGER)) : unknownVersion(n)
    })
  }

  /** Compiles a document without saving it. */
  validate(text: string): Answer<{ errors: readonly CompileIssue[]; warnings: readonly CompileIssue[] }> {
    return this.#ledger.ask((state) => {
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
    const live = this.#ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const { epoch, version } = live.state
    const text = readSnapshot(this.#sql, epoch, version)
    const snapshot = text === null ? null : decodeSnapshot(text)
    if (!snapshot?.ok) throw new Error(`[environment] snapshot ${version} of epoch ${epoch} cannot be read`)
    return ok(JSON.stringify(explain(prepare(snapshot.value, live.kills), flag, context)))
  }

  // Kills.

  kill(target: string): Answer<KillRecord> {
    return this.#ledger.ask(() => findKill(this.#sql, target))
  }

  /** One page, newest first, after the one at `after`; with the list's version. */
  kills(
    after: readonly [number, string] | null,
    limit: number,
  ): Answer<{ version: number; items: KillRecord[] }> {
    return this.#ledger.ask((state) =>
      ok({ version: state.kills, items: pageKills(this.#sql, after, limit) }),
    )
  }

  putKill(
    target: KillTarget,
    request: KillRequest,
    author: Author,
  ): Answer<{ created: boolean; version: number; kill: KillRecord }> {
    return this.#ledger.decide((state, nowMs) => {
      const document = () => this.#publisher.document(state)
      const placed = placeKill(this.#sql, document, target, request, author.actor, nowMs)
      if (!placed.ok) return placed
      const { before, kill } = placed.value
      const version = this.#killsChanged(state, nowMs)
      recordKill(
        this.#sql,
        state.name,
        version,
        { action: 'kill.placed', before, after: kill, author },
        nowMs,
      )
      return ok({ created: before === null, version, kill })
    })
  }

  removeKill(target: string, author: Author): Answer<{ version: number }> {
    return this.#ledger.decide((state, nowMs) => {
      const lifted = liftKill(this.#sql, target)
      if (!lifted.ok) return lifted
      const version = this.#killsChanged(state, nowMs)
      const change = { action: 'kill.lifted', before: lifted.value, after: null, author } as const
      recordKill(this.#sql, state.name, version, change, nowMs)
      return ok({ version })
    })
  }

  // The audit log, which outlives its environment.

  audit(filter: AuditFilter, position: AuditPosition, limit: number): Answer<StoredEntry[]> {
    return this.#askOfOnce(() => ok(pageAudit(this.#sql, filter, position, limit)))
  }

  verifyAudit(): Answer<Verification> {
    return this.#askOfOnce((name) => ok(verifyAudit(this.#sql, name)))
  }

  /** Ends kills whose time is over and carries out what is owed. Safe to run at any time, any number of times. */
  override async alarm(): Promise<void> {
    this.#ledger.rang()
    try {
      this.#ledger.write((nowMs) => {
        const state = readState(this.#sql)
        if (state !== null) this.#expireKills(state, nowMs)
      })
      await this.#ledger.flush()
    } finally {
      this.#ledger.arm()
    }
  }

  #expireKills(state: State, nowMs: number): void {
    const { ended, extended } = expireKills(this.#sql, nowMs)
    if (ended.length + extended.length === 0) return
    const version = ended.length > 0 ? this.#killsChanged(state, nowMs) : null
    for (const before of ended) {
      const change = { action: 'kill.expired', before, after: null, author: system(null) } as const
      recordKill(this.#sql, state.name, version, change, nowMs)
    }
    for (const { before, after } of extended) {
      const change = { action: 'kill.extended', before, after, author: system(null) } as const
      recordKill(this.#sql, state.name, null, change, nowMs)
    }
  }

  /** About an environment that is or was here. */
  #askOfOnce<T>(question: (name: string) => Answer<T>): Answer<T> {
    const lineage = readLineage(this.#sql)
    return lineage === null ? failed({ reason: 'environment-unknown' }) : question(lineage.name)
  }

  #create(name: string, settings: Settings, author: Author, nowMs: number): State {
    const epoch = mintEpoch(nowMs, readLineage(this.#sql)?.epoch ?? 0)
    const act = { action: 'environment.created', subject: `environment:${name}`, author }
    return this.#publisher.create({ name, epoch, createdAtMs: nowMs }, settings, act, nowMs)
  }

  #killsChanged(state: State, nowMs: number): number {
    const version = state.kills + 1
    writeState(this.#sql, { ...state, kills: version })
    writeKillVersion(this.#sql, { version, epoch: state.epoch, createdAtMs: nowMs })
    this.#ledger.mark(nowMs, 'last-known-good')
    return version
  }

  #raiseEpoch(known: Known): Live {
    const holds = `epoch ${known.epoch}, version ${known.snapshot}, kills ${known.kills}`
    const reason = `an edge holds ${holds}: storage went back in time`
    const { name: environment, epoch: from } = this.#ledger.write((nowMs) => {
      const state = readState(this.#sql)!
      const act = { action: 'epoch.raised', subject: `environment:${state.name}`, author: system(reason) }
      const above = raisedAbove(known, state)
      this.#publisher.republish(state, above, act, nowMs)
      writeKillVersion(this.#sql, { version: above.kills, epoch: above.epoch, createdAtMs: nowMs })
      this.#ledger.mark(nowMs, 'last-known-good', 'directory')
      return state
    })
    const live = this.#ledger.live()!
    logError('epoch-raised', { environment, from, to: live.state.epoch, version: live.state.version, reason })
    return live
  }
}

const unknownKillVersion = (n: number) =>
  failed({ reason: 'unknown', what: 'version of the kill list', key: String(n), nearest: null })

const unknownVersion = (n: number) =>
  failed({ reason: 'unknown', what: 'version', key: String(n), nearest: null })
