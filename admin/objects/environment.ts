/**
 * One environment: the single writer of its document, versions, settings, SDK keys and kill list. A shell: each public
 * method is one RPC, decides in one transaction, and answers expected failures as plain data; what others need to hear is
 * marked in that transaction and carried out after it (outbox.ts).
 */
import { DurableObject } from 'cloudflare:workers'
import {
  type CompileIssue,
  explain,
  type FlagDocument,
  type KillTarget,
  type Known,
  ok,
  type PublishedKind,
  prepare,
  type Update,
} from '../../engine/index.ts'
import { objectOf } from '../backup/format.ts'
import type { Change, Promotion, ScheduleRequest } from '../change/change.ts'
import type { EntityKind } from '../document.ts'
import type { Edit } from '../edit.ts'
import { type Env, parseConfig } from '../env.ts'
import { conflict, failed, invalid } from '../failure.ts'
import { documentText, entityText, type Form } from '../form.ts'
import type { Freeze, Window } from '../governance/calendar.ts'
import { type Comparison, compare } from '../governance/comparison.ts'
import type { FlagFilter } from '../governance/flag-filter.ts'
import type { Sampled } from '../governance/impact.ts'
import { parseJson } from '../json.ts'
import { logError } from '../log.ts'
import type { EnvironmentVitals } from '../monitoring/vitals.ts'
import { nearest } from '../nearest.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import type { Target } from '../propagation.ts'
import { type Author, MAX_KEYS, type SdkKey, type Settings, system } from '../settings.ts'
import {
  type Approval,
  type ApprovalStatus,
  changeOfApproval,
  pageApprovals,
  readApproval,
} from '../storage/approvals.ts'
import {
  type AuditFilter,
  type AuditPosition,
  pageAudit,
  type StoredEntry,
  type Verification,
  verifyAudit,
} from '../storage/audit.ts'
import { REAL_TIME } from '../storage/aws/timing.ts'
import { readFreezes, readWindows, type StoredFreeze, type StoredWindow } from '../storage/calendar.ts'
import { loadDocument } from '../storage/document.ts'
import { keysOfKind, readEntity, type Stored, sinceOf } from '../storage/entities.ts'
import { readKillVersion, writeKillVersion } from '../storage/kill-versions.ts'
import { type KillRecord, nextExpiryMs, pageKills } from '../storage/kills.ts'
import { labels, versionOfLabel } from '../storage/labels.ts'
import { addLocation, readLocations } from '../storage/locations.ts'
import { forgetful, isSetUp, openStore, placeInAws } from '../storage/open-store.ts'
import { beginRecovery, readRecovery } from '../storage/recovery.ts'
import { pageReviews, type Review } from '../storage/reviews.ts'
import {
  nextScheduleMs,
  pageSchedules,
  readSchedule,
  type Schedule,
  type ScheduleStatus,
} from '../storage/schedules.ts'
import { readKeys } from '../storage/settings.ts'
import { readLineage, readState, type State } from '../storage/state.ts'
import type { FlagStore, StoreKind } from '../storage/store.ts'
import { pageVersions, readVersion } from '../storage/versions.ts'
import {
  type Answer,
  type Described,
  describe,
  type Edited,
  summarize,
  type VersionSummary,
} from './answers.ts'
import { type Decision as ApprovalDecision, decideApproval } from './approving.ts'
import { allOrNothing } from './backup/all-or-nothing.ts'
import { environmentLines } from './backup/environment-lines.ts'
import { lineStream } from './backup/line-stream.ts'
import { restoreEnvironment } from './backup/restore-environment.ts'
import type { Restored, Source } from './backup/restored.ts'
import { addToStage, clearStage, dropStage, requireStage, type StagedRecord } from './backup/stage.ts'
import { addFreeze, addWindow, endInCalendar } from './calendar.ts'
import { carryOutExpiries, type Made } from './carry-out.ts'
import { closeReview, type Manner, submit } from './changes.ts'
import { type Copied, type CopyRequest, copyStore, refusalOf } from './copying.ts'
import { PROJECT_NAME, WEBHOOKS_NAME } from './directory.ts'
import { drill, drillIfDue, nextDrillMs } from './drilling.ts'
import { copyLastKnownGood, reportToDirectory } from './effects.ts'
import { embeddedStore } from './embedded-store.ts'
import { isAhead, isPossible, mintEpoch, raisedAbove } from './epoch.ts'
import { GroupCommit } from './group-commit.ts'
import { handOver } from './hand-over.ts'
import { lostKills, recoverKills } from './held-kills.ts'
import { findKill, type KillRequest } from './kill-switch.ts'
import { putLabel } from './labelling.ts'
import { type Decision, Ledger, type Live } from './ledger.ts'
import { type Listed, listEntities } from './listing.ts'
import { ENVIRONMENT_MIGRATIONS, migrate } from './migrations.ts'
import { Outbox } from './outbox.ts'
import { type ImpactPreview, type PromotionPreview, previewImpact, previewPromotion } from './previewing.ts'
import { unknownVersion } from './proposal.ts'
import { Publisher } from './publisher.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'
import { cancelSchedule, runDueSchedules } from './scheduling.ts'
import { StoreSync } from './store-sync.ts'

/** Changes named for each version in a list; one version alone names all. */
const LISTED_CHANGES = 20
/** How long schedules wait after AWS did not take the change of one. */
const SCHEDULE_REST_MS = 15_000

export class EnvironmentObject extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #publisher: Publisher
  readonly #ledger: Ledger
  readonly #room: Room
  readonly #sync: StoreSync
  /** AWS did not take a schedule's change: it is tried again then, ms since 1970. */
  #schedulesRestUntilMs = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, ENVIRONMENT_MIGRATIONS)
    const { local, store } = parseConfig(env)
    this.#publisher = new Publisher(this.#sql, local)
    const outbox = new Outbox(this.#sql, {
      'last-known-good': () => copyLastKnownGood(this.#sql, this.#publisher, this.env.LAST_KNOWN_GOOD),
      directory: () => reportToDirectory(this.#sql, this.env.PROJECT.getByName(PROJECT_NAME)),
      webhooks: () => handOver(this.#sql, this.env.WEBHOOKS.getByName(WEBHOOKS_NAME)),
      'store-kills': () => this.#sync.copyKills(),
    })
    this.#ledger = new Ledger(ctx, {
      outbox,
      due: [nextExpiryMs, () => this.#nextScheduleMs(), nextDrillMs, () => this.#sync.nextLookMs()],
      forget: () => this.#publisher.forget(),
    })
    const inAws = store.kind !== 'embedded'
    this.#room = { sql: this.#sql, publisher: this.#publisher, ledger: this.#ledger, inAws }
    this.#sync = new StoreSync(this.#room, new GroupCommit(ctx.storage), (environment) =>
      placeInAws(store, environment, REAL_TIME),
    )
  }

  vitals(): Answer<EnvironmentVitals> {
    const live = this.#ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const { epoch, version, kills: killsVersion } = live.state
    const { kind, trouble, okAtMs } = this.#sync.status(live.state.name)
    const store = { kind, problem: trouble?.detail ?? null, okAtMs }
    return ok({
      epoch,
      version,
      killsVersion,
      kills: live.kills.kills.length,
      owed: this.#ledger.owed(),
      store,
    })
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
    const { state, kills } = ahead ? this.#raiseEpoch(known) : this.#heard(known, live)
    const upToDate = known.epoch === state.epoch && known.kills === state.kills
    const { name: environment, epoch, version: snapshot } = state
    return ok({ environment, epoch, snapshot, kills: upToDate ? null : kills })
  }

  /** Wire form of a snapshot; of the last few versions. */
  snapshot(epoch: number, version: number): Answer<string> {
    const text = this.#publisher.snapshotText(epoch, version)
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
      return ok({ version: drill(this.#room, state, author, nowMs), publishedAtMs: nowMs })
    })
  }

  // Settings and SDK keys.

  describe(): Answer<Described> {
    return this.#ledger.ask((state) => ok(this.#describe(state)))
  }

  /** Creates the environment (`absent`) or changes its settings. */
  async putSettings(
    name: string,
    settings: Settings,
    manner: Manner & { readonly precondition: Precondition },
    author: Author,
  ): Promise<Answer<{ created: boolean; description: Described }>> {
    const put = (nowMs: number): Answer<{ created: boolean }> => {
      const state = readState(this.#sql)
      if (state === null) {
        const allowed = checkPrecondition(manner.precondition, 'environment', name, null)
        if (!allowed.ok) return allowed
        this.#create(name, settings, author, nowMs)
        return ok({ created: true })
      }
      const made = submit(this.#room, state, { do: 'settings', settings }, manner, author, nowMs)
      return made.ok ? ok({ created: false }) : made
    }
    const answer = await this.#sync.inTurn(() => this.#ledger.write(put))
    if (!answer.ok) return this.#ledger.toldToDirectory(answer)
    const { created } = answer.value
    // What AWS holds for it is there from the beginning.
    if (created && this.#room.inAws) await this.#sync.look()
    const described = this.#ledger.ask((state) => ok({ created, description: this.#describe(state) }))
    return this.#ledger.toldToDirectory(described)
  }

  /** Deletes the environment and all it holds. Edges go on with what they have. */
  async remove(manner: Manner, author: Author): Promise<Answer<null>> {
    const answer = await this.#submit({ do: 'remove-environment' }, manner, author)
    return this.#ledger.toldToDirectory(answer.ok ? ok(null) : answer)
  }

  async addKey(key: SdkKey, author: Author): Promise<Answer<null>> {
    const answer = await this.#decideInTurn((state, nowMs): Answer<null> => {
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

  async removeKey(id: string, author: Author): Promise<Answer<null>> {
    const answer = await this.#decideInTurn((state, nowMs): Answer<null> => {
      if (sinceOf(this.#sql, 'sdk-key', id) === null)
        return failed({ reason: 'unknown', what: 'key', key: id, nearest: null })
      const act = { action: 'key.revoked', subject: `sdk-key:${id}`, author }
      this.#publisher.publishKey(state, id, null, act, nowMs)
      this.#ledger.mark(nowMs, 'last-known-good', 'directory')
      return ok(null)
    })
    return this.#ledger.toldToDirectory(answer)
  }

  /** The document here as a store, for whoever copies from it or to it. Not for RPC: it holds functions. */
  embedded(author: Author): FlagStore {
    return embeddedStore(this.#room, author)
  }

  /** Resolves when no look at AWS is under way. */
  looked(): Promise<void> {
    return this.#sync.looked()
  }

  /** Somebody says that there is something new in AWS. */
  lookSoon(): Answer<null> {
    return this.#ledger.ask(() => {
      this.#sync.lookSoon(Date.now())
      return ok(null)
    })
  }

  /** From one store to another. What counts is changed as by anybody: with approvals, windows and freezes. */
  async copyStore(request: CopyRequest, manner: Manner, author: Author): Promise<Answer<Copied>> {
    const { store } = parseConfig(this.env)
    const state = readState(this.#sql)
    if (state === null) return failed({ reason: 'environment-unknown' })
    const refused = refusalOf(request, store.kind, (kind) => isSetUp(kind, store))
    if (refused !== null) return refused
    const open = async (kind: StoreKind) =>
      kind === 'embedded'
        ? embeddedStore(this.#room, author)
        : openStore(kind, store, state.name, forgetful(), REAL_TIME)
    const publish = (document: FlagDocument) =>
      this.#submit(
        { do: 'edit', edit: { do: 'put-document', text: JSON.stringify(document) } },
        manner,
        author,
      )
    const copied = await copyStore(this.#room, state, {
      ...{ from: await open(request.from), to: await open(request.to), dryRun: request.dryRun },
      // What is in force already needs nobody's consent: an empty place is filled with it.
      publish: request.to === store.kind && request.from !== 'embedded' ? publish : null,
    })
    if (request.to === store.kind) this.#sync.lookSoon(Date.now())
    else if (copied.ok && copied.value.written)
      this.#ledger.write((nowMs) => {
        const { from, to, identical } = copied.value
        const act = { action: 'store.copied', subject: `environment:${state.name}`, author }
        record(this.#sql, state.name, act, nowMs, { details: { from, to, identical } })
      })
    return copied
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

  async edit(edit: Edit, manner: Manner, author: Author): Promise<Answer<Edited>> {
    const made = await this.#submit({ do: 'edit', edit }, manner, author)
    return made.ok ? ok(editedOf(made.value)) : made
  }

  /** The document of an earlier version becomes the next one. */
  async restore(version: number, manner: Manner, author: Author): Promise<Answer<Edited>> {
    const made = await this.#submit({ do: 'restore', version }, manner, author)
    return made.ok ? ok(editedOf(made.value)) : made
  }

  /** What an edit would do, over contexts of real requests where there are enough. */
  impact(edit: Edit, sample: readonly Sampled[]): Answer<ImpactPreview> {
    return this.#ledger.ask((state) => previewImpact(this.#room, state, edit, sample))
  }

  /** What a promotion would make of the document; nothing is changed. */
  previewPromotion({ text, flags }: Promotion): Answer<PromotionPreview> {
    return this.#ledger.ask((state) => previewPromotion(this.#room, state, JSON.parse(text), flags))
  }

  /** Flags of another environment. `expected`: the version of the document that the caller has seen, or `null`. */
  promote(
    promotion: Promotion,
    expected: number | null,
    manner: Manner,
    author: Author,
  ): Promise<Answer<Edited>> {
    return this.#sync.decide((state, nowMs) => {
      if (expected !== null && expected !== state.version)
        return conflict('changed-since', `${state.name} is at version ${state.version}, not ${expected}.`)
      const made = submit(this.#room, state, { do: 'promote', promotion }, manner, author, nowMs)
      return made.ok ? ok(editedOf(made.value)) : made
    })
  }

  /** From version `a` to version `b`. */
  diff(a: number, b: number): Answer<Comparison> {
    return this.#ledger.ask(() => {
      for (const n of [a, b]) if (readVersion(this.#sql, n) === null) return unknownVersion(n)
      return ok(compare(loadDocument(this.#sql, a), loadDocument(this.#sql, b)))
    })
  }

  /** The version that a number or a label means. */
  versionNumber(name: string): Answer<number> {
    return this.#ledger.ask(() => {
      const n = /^[1-9]\d{0,14}$/.test(name) ? Number(name) : versionOfLabel(this.#sql, name)
      if (n !== null && readVersion(this.#sql, n) !== null) return ok(n)
      return failed({
        ...{ reason: 'unknown', what: 'version', key: name },
        nearest: n === null ? nearest(name, labels(this.#sql)) : null,
      })
    })
  }

  /** Names a version, or takes the name away (`null`). */
  label(label: string, version: number | null, author: Author): Answer<null> {
    return this.#ledger.decide((state, nowMs) => putLabel(this.#room, state, label, version, author, nowMs))
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

  /** One page, by key, after the key `after`; with the environment's version. `filter` is for flags. */
  entities(
    kind: EntityKind,
    after: string,
    limit: number,
    form: Form,
    filter: FlagFilter | null,
  ): Answer<{ version: number; items: Listed[] }> {
    return this.#ledger.ask(({ version }) => {
      const items = listEntities(this.#sql, kind, after, limit, filter, Date.now())
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
    const snapshot = this.#publisher.snapshot(live.state)
    return ok(JSON.stringify(explain(prepare(snapshot, live.kills), flag, context)))
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
    manner: Manner,
    author: Author,
  ): Answer<{ created: boolean; version: number; kill: KillRecord }> {
    // First of all, and whatever AWS is doing.
    const made = this.#ledger.decide((state, nowMs) =>
      submit(this.#room, state, { do: 'place-kill', target, request }, manner, author, nowMs),
    )
    if (!made.ok) return made
    const { created, state, kill } = made.value
    return ok({ created, version: state.kills, kill: kill! })
  }

  async removeKill(target: string, manner: Manner, author: Author): Promise<Answer<{ version: number }>> {
    const made = await this.#submit({ do: 'lift-kill', target }, manner, author)
    return made.ok ? ok({ version: made.value.state.kills }) : made
  }

  // What waits: approvals, schedules, reviews; and when changes may be made.

  approvals(status: ApprovalStatus | null, before: number, limit: number): Answer<Approval[]> {
    return this.#ledger.ask(() => ok(pageApprovals(this.#sql, status, before, limit, Date.now())))
  }

  /** With what it is about, as it was asked for. */
  approval(n: number): Answer<{ approval: Approval; change: Change }> {
    return this.#ledger.ask(({ name }) => {
      const approval = readApproval(this.#sql, n, Date.now())
      if (approval === null) return unknown('approval', `${name}:${n}`)
      return ok({ approval, change: changeOfApproval(this.#sql, n) })
    })
  }

  async decideApproval(n: number, decision: ApprovalDecision, author: Author): Promise<Answer<Approval>> {
    const answer = await this.#sync.decide((state, nowMs) =>
      decideApproval(this.#room, state, n, decision, author, nowMs),
    )
    return this.#ledger.toldToDirectory(answer)
  }

  async addSchedule(schedule: ScheduleRequest, manner: Manner, author: Author): Promise<Answer<Schedule>> {
    const made = await this.#submit({ do: 'schedule', schedule }, manner, author)
    return made.ok ? ok(made.value.schedule!) : made
  }

  schedules(status: ScheduleStatus | null, before: number, limit: number): Answer<Schedule[]> {
    return this.#ledger.ask(() => ok(pageSchedules(this.#sql, status, before, limit)))
  }

  schedule(n: number): Answer<Schedule> {
    return this.#ledger.ask(({ name }) => {
      const schedule = readSchedule(this.#sql, n)
      return schedule === null ? unknown('schedule', `${name}:${n}`) : ok(schedule)
    })
  }

  cancelSchedule(n: number, author: Author): Promise<Answer<Schedule>> {
    return this.#decideInTurn((state, nowMs) => cancelSchedule(this.#room, state, n, author, nowMs))
  }

  reviews(which: 'open' | 'closed' | 'all', before: number, limit: number): Answer<Review[]> {
    return this.#ledger.ask(() => ok(pageReviews(this.#sql, which, before, limit)))
  }

  closeReview(seq: number, note: string, author: Author): Answer<Review> {
    return this.#ledger.decide((state, nowMs) => closeReview(this.#room, state, seq, note, author, nowMs))
  }

  windows(): Answer<StoredWindow[]> {
    return this.#ledger.ask(() => ok(readWindows(this.#sql)))
  }

  freezes(): Answer<StoredFreeze[]> {
    return this.#ledger.ask(() => ok(readFreezes(this.#sql)))
  }

  addWindow(window: Window, author: Author): Promise<Answer<StoredWindow>> {
    return this.#decideInTurn((state, nowMs) => addWindow(this.#room, state, window, author, nowMs))
  }

  addFreeze(freeze: Freeze, author: Author): Promise<Answer<StoredFreeze>> {
    return this.#decideInTurn((state, nowMs) => addFreeze(this.#room, state, freeze, author, nowMs))
  }

  endInCalendar(table: 'windows' | 'freezes', n: number, author: Author): Promise<Answer<null>> {
    return this.#decideInTurn((state, nowMs) => endInCalendar(this.#room, state, table, n, author, nowMs))
  }

  // Backups.

  /** Everything that is or was here, as lines of a backup. */
  backup(): Answer<ReadableStream<Uint8Array>> {
    const lineage = readLineage(this.#sql)
    if (lineage === null) return failed({ reason: 'environment-unknown' })
    return ok(lineStream(environmentLines(this.#sql, lineage, Date.now())))
  }

  /** Takes records of a backup that is to be restored here. */
  stageBackup(stage: string, from: number, records: readonly StagedRecord[]): void {
    this.ctx.storage.transactionSync(() => addToStage(this.#sql, stage, from, records))
  }

  /** Forgets them, if they are still there. */
  dropBackup(stage: string): void {
    this.ctx.storage.transactionSync(() => dropStage(this.#sql, stage))
  }

  /** Restores the staged backup, or says what that would do. */
  async restoreBackup(source: Source, dryRun: boolean, author: Author): Promise<Answer<Restored>> {
    const isHere = readState(this.#sql) !== null
    const answer = await allOrNothing<Restored>(
      // Where the document lives in AWS, that of a live environment is written there first.
      (work) =>
        isHere && !dryRun
          ? this.#sync.decide((_, nowMs) => work(nowMs))
          : this.#sync.inTurn(() => this.#ledger.write(work)),
      dryRun,
      (nowMs) => this.#restore(source, author, nowMs),
    )
    return this.#ledger.toldToDirectory(answer)
  }

  // The audit log, which outlives its environment.

  audit(filter: AuditFilter, position: AuditPosition, limit: number): Answer<StoredEntry[]> {
    return this.#askOfOnce(() => ok(pageAudit(this.#sql, filter, position, limit)))
  }

  verifyAudit(): Answer<Verification> {
    return this.#askOfOnce((name) => ok(verifyAudit(this.#sql, name)))
  }

  /** Does what is due: expiries, schedules, drills, what is owed to others. Safe to run at any time, any number of times. */
  override async alarm(): Promise<void> {
    this.#ledger.rang()
    try {
      this.#ledger.write((nowMs) => {
        const state = readState(this.#sql)
        if (state === null) return
        carryOutExpiries(this.#room, state, nowMs)
        drillIfDue(this.#room, nowMs)
        this.#publisher.prune(nowMs)
      })
      this.#sync.lookIfDue(Date.now())
      // What others have to hear, such as a kill, waits for no schedule that waits for AWS.
      await Promise.all([this.#ledger.flush(), this.#runDueSchedules()])
    } finally {
      await this.#ledger.flush()
      this.#ledger.arm()
    }
  }

  #restore(source: Source, author: Author, nowMs: number): Answer<Restored> {
    requireStage(this.#sql, source.stage)
    const { environment } = objectOf(source.begin.begin)!
    const restored = restoreEnvironment(this.#room, environment!, source, author, nowMs)
    clearStage(this.#sql)
    return restored
  }

  #submit(change: Change, manner: Manner, author: Author): Promise<Answer<Made>> {
    return this.#sync.decide((state, nowMs) => submit(this.#room, state, change, manner, author, nowMs))
  }

  /** For what leaves the document alone, and works whatever has become of it, but may forbid a change that AWS is taking. */
  #decideInTurn<T>(decision: Decision<T>): Promise<Answer<T>> {
    return this.#sync.inTurn(() => this.#ledger.decide(decision))
  }

  /** Everything that is due, oldest first. What AWS does not take now waits a little. */
  async #runDueSchedules(): Promise<void> {
    if (Date.now() < this.#schedulesRestUntilMs) return
    const ran = await runDueSchedules(this.#room, this.#sync)
    if (!ran.ok) this.#schedulesRestUntilMs = Date.now() + SCHEDULE_REST_MS
  }

  #nextScheduleMs(): number | null {
    const dueMs = nextScheduleMs(this.#sql)
    return dueMs === null ? null : Math.max(dueMs, this.#schedulesRestUntilMs)
  }

  /** About an environment that is or was here. */
  #askOfOnce<T>(question: (name: string) => Answer<T>): Answer<T> {
    const lineage = readLineage(this.#sql)
    return lineage === null ? failed({ reason: 'environment-unknown' }) : question(lineage.name)
  }

  #describe(state: State): Described {
    return { ...describe(this.#sql, state), store: this.#sync.status(state.name) }
  }

  #create(name: string, settings: Settings, author: Author, nowMs: number): State {
    const before = readLineage(this.#sql)
    const epoch = mintEpoch(nowMs, before?.epoch ?? 0)
    // There may have been one of this name, of which nothing is left: edges know.
    if (before === null) beginRecovery(this.#sql, { epoch: 0, kills: 0 })
    const act = { action: 'environment.created', subject: `environment:${name}`, author }
    const state = this.#publisher.create({ name, epoch, createdAtMs: nowMs }, settings, act, nowMs)
    this.#ledger.mark(nowMs, 'last-known-good', 'directory')
    return state
  }

  #raiseEpoch(known: Known): Live {
    const holds = `epoch ${known.epoch}, version ${known.snapshot}, kills ${known.kills}`
    const reason = `an edge holds ${holds}: storage went back in time`
    const { name: environment, epoch: from } = this.#ledger.write((nowMs) => {
      const state = readState(this.#sql)!
      const act = { action: 'epoch.raised', subject: `environment:${state.name}`, author: system(reason) }
      const above = raisedAbove(known, state)
      const raised = this.#publisher.republish(state, above, act, nowMs)
      writeKillVersion(this.#sql, { version: above.kills, epoch: above.epoch, createdAtMs: nowMs })
      beginRecovery(this.#sql, readRecovery(this.#sql) ?? state)
      if (known.held) recoverKills(this.#room, raised, lostKills(this.#sql, raised, known.held), nowMs)
      this.#ledger.mark(nowMs, 'last-known-good', 'directory')
      return state
    })
    const live = this.#ledger.live()!
    logError('epoch-raised', { environment, from, to: live.state.epoch, version: live.state.version, reason })
    return live
  }

  /** An edge may hold kills that were placed in the time that this storage has lost. */
  #heard({ held }: Known, live: Live): Live {
    const lost = held === undefined ? [] : lostKills(this.#sql, live.state, held)
    if (lost.length === 0) return live
    this.#ledger.write((nowMs) => recoverKills(this.#room, live.state, lost, nowMs))
    const { name: environment, epoch } = live.state
    logError('kills-recovered', { environment, epoch, targets: lost.map(({ target }) => target).join(', ') })
    return this.#ledger.live()!
  }
}

const unknown = (what: string, key: string) => failed({ reason: 'unknown', what, key, nearest: null })

const unknownKillVersion = (n: number) => unknown('version of the kill list', String(n))

const editedOf = ({ state, created, warnings, entities }: Made): Edited => ({
  version: state.version,
  created,
  warnings,
  entities,
})
