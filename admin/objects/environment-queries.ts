/**
 * What one environment's object answers without changing anything: its document, versions, settings, kills, what waits, and
 * its audit log. `EnvironmentObject` adds what changes it. Each public method is one RPC; fields are not reachable over it.
 */
import { DurableObject } from 'cloudflare:workers'
import { type CompileIssue, explain, ok, type PublishedKind, prepare, shortened } from '../../engine/index.ts'
import type { Change, Promotion } from '../change/change.ts'
import type { EntityKind } from '../document.ts'
import type { Edit } from '../edit.ts'
import { type Env, parseConfig } from '../env.ts'
import { failed } from '../failure.ts'
import { documentText, entityText, type Form } from '../form.ts'
import { type Comparison, compare } from '../governance/comparison.ts'
import type { FlagFilter } from '../governance/flag-filter.ts'
import type { Sampled } from '../governance/impact.ts'
import { parseJson } from '../json.ts'
import type { EnvironmentVitals } from '../monitoring/vitals.ts'
import { nearest } from '../nearest.ts'
import type { Target } from '../propagation.ts'
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
import { keysOfKind, readEntity, type Stored } from '../storage/entities.ts'
import { readKillVersion } from '../storage/kill-versions.ts'
import { type KillRecord, nextExpiryMs, originKills, pageKills } from '../storage/kills.ts'
import { labels, versionOfLabel } from '../storage/labels.ts'
import { readLocations } from '../storage/locations.ts'
import { placeInAws } from '../storage/open-store.ts'
import { pagePreviews, type StoredPreview } from '../storage/previews.ts'
import { pageReviews, type Review } from '../storage/reviews.ts'
import {
  nextScheduleMs,
  pageSchedules,
  readSchedule,
  type Schedule,
  type ScheduleStatus,
} from '../storage/schedules.ts'
import { readLineage, type State } from '../storage/state.ts'
import { pageVersions, readVersion } from '../storage/versions.ts'
import { type Answer, type Described, describe, summarize, type VersionSummary } from './answers.ts'
import { environmentLines } from './backup/environment-lines.ts'
import { lineStream } from './backup/line-stream.ts'
import { PROJECT_NAME, WEBHOOKS_NAME } from './directory.ts'
import { nextDrillMs } from './drilling.ts'
import { copyLastKnownGood, planHealthChecks, reportToDirectory } from './effects.ts'
import { GroupCommit } from './group-commit.ts'
import { handOver } from './hand-over.ts'
import { findKill, misnamedOrigin } from './kill-switch.ts'
import { Ledger } from './ledger.ts'
import { type Listed, listEntities } from './listing.ts'
import { ENVIRONMENT_MIGRATIONS, migrate } from './migrations.ts'
import { Outbox } from './outbox.ts'
import { type ImpactPreview, type PromotionPreview, previewImpact, previewPromotion } from './previewing.ts'
import { unknownVersion } from './proposal.ts'
import { Publisher } from './publisher.ts'
import type { Room } from './room.ts'
import { StoreSync } from './store-sync.ts'

/** Changes named for each version in a list; one version alone names all. */
const LISTED_CHANGES = 20

export abstract class EnvironmentQueries extends DurableObject<Env> {
  protected readonly room: Room
  protected readonly sync: StoreSync
  /** AWS did not take a schedule's change: it is tried again then, ms since 1970. */
  protected schedulesRestUntilMs = 0

  /** Of a live environment. A field, since every method can be called over RPC. */
  protected readonly described = (state: State): Described => ({
    ...describe(this.room.sql, state),
    store: this.sync.status(state.name),
  })

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const { sql } = ctx.storage
    migrate(ctx.storage, ENVIRONMENT_MIGRATIONS)
    const { local, store } = parseConfig(env)
    const publisher = new Publisher(sql, local, (nowMs) => ledger.mark(nowMs, 'health'))
    const outbox = new Outbox(sql, {
      'last-known-good': () => copyLastKnownGood(sql, publisher, this.env.LAST_KNOWN_GOOD),
      directory: () => reportToDirectory(sql, this.env.PROJECT.getByName(PROJECT_NAME)),
      webhooks: () => handOver(sql, this.env.WEBHOOKS.getByName(WEBHOOKS_NAME)),
      'store-kills': () => this.sync.copyKills(),
      health: () => planHealthChecks(sql, publisher, (name) => this.env.HEALTH.getByName(name)),
    })
    const ledger = new Ledger(ctx, {
      outbox,
      due: [nextExpiryMs, () => this.#nextScheduleMs(), nextDrillMs, () => this.sync.nextLookMs()],
      forget: () => publisher.forget(),
    })
    this.room = { sql, publisher, ledger, inAws: store.kind !== 'embedded' }
    this.sync = new StoreSync(this.room, new GroupCommit(ctx.storage), (environment) =>
      placeInAws(store, environment, REAL_TIME),
    )
  }

  vitals(): Answer<EnvironmentVitals> {
    const live = this.room.ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const { epoch, version, kills: killsVersion } = live.state
    const { kind, trouble, okAtMs } = this.sync.status(live.state.name)
    const store = { kind, problem: trouble?.detail ?? null, okAtMs }
    return ok({
      epoch,
      version,
      killsVersion,
      kills: live.kills.kills.length,
      owed: this.room.ledger.owed(),
      locations: readLocations(this.room.sql),
      store,
      damage: this.room.publisher.damage(live.state),
    })
  }

  /** Wire form of a snapshot; of the last few versions. */
  snapshot(epoch: number, version: number): Answer<string> {
    const text = this.room.publisher.snapshotText(epoch, version)
    const key = `${version} of epoch ${epoch}`
    return text === null ? failed({ reason: 'unknown', what: 'snapshot', key, nearest: null }) : ok(text)
  }

  // Where versions have landed: propagation.ts, over what the MetricsObjects know.

  /** A published version of the snapshot (`null`: the current one) or of the kill list, and every location that ever reported. */
  published(kind: PublishedKind, version: number | null): Answer<{ target: Target; locations: string[] }> {
    return this.room.ledger.ask((state) => {
      const n = version ?? state.version
      const found = kind === 'snapshot' ? readVersion(this.room.sql, n) : readKillVersion(this.room.sql, n)
      if (found === null) return kind === 'snapshot' ? unknownVersion(n) : unknownKillVersion(n)
      const { epoch, createdAtMs: publishedAtMs } = found
      return ok({
        target: { kind, epoch, version: n, publishedAtMs },
        locations: readLocations(this.room.sql),
      })
    })
  }

  /** Every location that ever reported, by name. */
  locations(): Answer<string[]> {
    return this.room.ledger.ask(() => ok(readLocations(this.room.sql)))
  }

  // Settings and SDK keys.

  describe(): Answer<Described> {
    return this.room.ledger.ask((state) => ok(this.described(state)))
  }

  /** Resolves when no look at AWS is under way. */
  looked(): Promise<void> {
    return this.sync.looked()
  }

  // The document and its versions.

  /** JSON text of the document at a version that is kept, or of the current one (`null`). */
  document(version: number | null, form: Form): Answer<{ version: number; text: string }> {
    return this.room.ledger.ask((state) => {
      if (version !== null && readVersion(this.room.sql, version) === null) return unknownVersion(version)
      const document =
        version === null ? this.room.publisher.document(state) : loadDocument(this.room.sql, version)
      return ok({ version: version ?? state.version, text: documentText(document, form) })
    })
  }

  /** What an edit would do, over contexts of real requests where there are enough. */
  impact(edit: Edit, sample: readonly Sampled[]): Answer<ImpactPreview> {
    return this.room.ledger.ask((state) => previewImpact(this.room, state, edit, sample))
  }

  /** What a promotion would make of the document; nothing is changed. */
  previewPromotion({ text, flags }: Promotion): Answer<PromotionPreview> {
    return this.room.ledger.ask((state) => previewPromotion(this.room, state, JSON.parse(text), flags))
  }

  /** From version `a` to version `b`. */
  diff(a: number, b: number): Answer<Comparison> {
    return this.room.ledger.ask(() => {
      for (const n of [a, b]) if (readVersion(this.room.sql, n) === null) return unknownVersion(n)
      return ok(compare(loadDocument(this.room.sql, a), loadDocument(this.room.sql, b)))
    })
  }

  /** The version that a number or a label means. */
  versionNumber(name: string): Answer<number> {
    return this.room.ledger.ask(() => {
      const n = /^[1-9]\d{0,14}$/.test(name) ? Number(name) : versionOfLabel(this.room.sql, name)
      if (n !== null && readVersion(this.room.sql, n) !== null) return ok(n)
      return failed({
        ...{ reason: 'unknown', what: 'version', key: name },
        nearest: n === null ? nearest(name, labels(this.room.sql)) : null,
      })
    })
  }

  entity(kind: EntityKind, key: string, form: Form): Answer<Stored> {
    return this.room.ledger.ask(() => {
      const stored = readEntity(this.room.sql, kind, key)
      if (stored !== null) return ok({ ...stored, text: entityText(kind, key, stored.text, form) })
      return failed({
        reason: 'unknown',
        what: kind,
        key,
        nearest: nearest(key, keysOfKind(this.room.sql, kind)),
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
    return this.room.ledger.ask(({ version }) => {
      const items = listEntities(this.room.sql, kind, after, limit, filter, Date.now())
      const shown = items.map((item) => ({ ...item, text: entityText(kind, item.key, item.text, form) }))
      return ok({ version, items: shown })
    })
  }

  /** Versions below `before`, newest first. */
  versions(before: number, limit: number): Answer<VersionSummary[]> {
    return this.room.ledger.ask(() => {
      const versions = pageVersions(this.room.sql, before, limit)
      return ok(versions.map((version) => summarize(this.room.sql, version, LISTED_CHANGES)))
    })
  }

  version(n: number): Answer<VersionSummary> {
    return this.room.ledger.ask(() => {
      const version = readVersion(this.room.sql, n)
      return version ? ok(summarize(this.room.sql, version, Number.MAX_SAFE_INTEGER)) : unknownVersion(n)
    })
  }

  /** Compiles a document without saving it. */
  validate(text: string): Answer<{ errors: readonly CompileIssue[]; warnings: readonly CompileIssue[] }> {
    return this.room.ledger.ask((state) => {
      const value = parseJson(text)
      if (!value.ok) return failed({ reason: 'malformed', ...value.error })
      const { publisher } = this.room
      const checked = publisher.check(state, value.value)
      const errors = checked.ok ? [] : checked.error
      const moves = checked.ok ? publisher.forbiddenMoves(state, value.value) : []
      const warnings = checked.ok ? [...checked.value, ...shortened(moves, moves.length, 'warnings')] : []
      return ok({ errors, warnings })
    })
  }

  /** JSON text of the decision and its steps, as an edge with the current snapshot and kills decides. */
  explain(flag: string, context: Record<string, unknown>): Answer<string> {
    const live = this.room.ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const snapshot = this.room.publisher.snapshot(live.state)
    return ok(JSON.stringify(explain(prepare(snapshot, live.kills), flag, context)))
  }

  /** The same of a route's flag, as a request on the route is decided. */
  explainRoute(id: string, context: Record<string, unknown>): Answer<string> {
    const live = this.room.ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const snapshot = this.room.publisher.snapshot(live.state)
    const route = snapshot.routes.find((one) => one.id === id)
    if (route === undefined) {
      const ids = snapshot.routes.map((one) => one.id)
      return failed({ reason: 'unknown', what: 'route', key: id, nearest: nearest(id, ids) })
    }
    return ok(JSON.stringify(explain(prepare(snapshot, live.kills), route.flag, context, { route: id })))
  }

  // Kills.

  kill(target: string): Answer<KillRecord> {
    return this.room.ledger.ask(() => findKill(this.room.sql, target))
  }

  /** One page, newest first, after the one at `after`; with the list's version. */
  kills(
    after: readonly [number, string] | null,
    limit: number,
  ): Answer<{ version: number; items: KillRecord[] }> {
    return this.room.ledger.ask((state) =>
      ok({ version: state.kills, items: pageKills(this.room.sql, after, limit) }),
    )
  }

  /** Fails if there is no such origin. */
  origin(name: string): Answer<null> {
    return this.room.ledger.ask(() => misnamedOrigin(this.room.sql, name) ?? ok(null))
  }

  /** Kills that hold breakers open, with the list's version. */
  originKills(): Answer<{ version: number; items: KillRecord[] }> {
    return this.room.ledger.ask((state) => ok({ version: state.kills, items: originKills(this.room.sql) }))
  }

  // What waits: approvals, schedules, reviews; and when changes may be made.

  approvals(status: ApprovalStatus | null, before: number, limit: number): Answer<Approval[]> {
    return this.room.ledger.ask(() => ok(pageApprovals(this.room.sql, status, before, limit, Date.now())))
  }

  /** With what it is about, as it was asked for. */
  approval(n: number): Answer<{ approval: Approval; change: Change }> {
    return this.room.ledger.ask(({ name }) => {
      const approval = readApproval(this.room.sql, n, Date.now())
      if (approval === null) return unknown('approval', `${name}:${n}`)
      return ok({ approval, change: changeOfApproval(this.room.sql, n) })
    })
  }

  schedules(status: ScheduleStatus | null, before: number, limit: number): Answer<Schedule[]> {
    return this.room.ledger.ask(() => ok(pageSchedules(this.room.sql, status, before, limit)))
  }

  schedule(n: number): Answer<Schedule> {
    return this.room.ledger.ask(({ name }) => {
      const schedule = readSchedule(this.room.sql, n)
      return schedule === null ? unknown('schedule', `${name}:${n}`) : ok(schedule)
    })
  }

  /** Signed previews that are not over: one page, newest first, after the one at `after`. */
  previews(after: readonly [number, string] | null, limit: number): Answer<StoredPreview[]> {
    return this.room.ledger.ask(() => ok(pagePreviews(this.room.sql, after, limit, Date.now())))
  }

  reviews(which: 'open' | 'closed' | 'all', before: number, limit: number): Answer<Review[]> {
    return this.room.ledger.ask(() => ok(pageReviews(this.room.sql, which, before, limit)))
  }

  windows(): Answer<StoredWindow[]> {
    return this.room.ledger.ask(() => ok(readWindows(this.room.sql)))
  }

  freezes(): Answer<StoredFreeze[]> {
    return this.room.ledger.ask(() => ok(readFreezes(this.room.sql)))
  }

  // Backups.

  /** Everything that is or was here, as lines of a backup. */
  backup(): Answer<ReadableStream<Uint8Array>> {
    const lineage = readLineage(this.room.sql)
    if (lineage === null) return failed({ reason: 'environment-unknown' })
    return ok(lineStream(environmentLines(this.room.sql, lineage, Date.now())))
  }

  // The audit log, which outlives its environment.

  audit(filter: AuditFilter, position: AuditPosition, limit: number): Answer<StoredEntry[]> {
    return this.#askOfOnce(() => ok(pageAudit(this.room.sql, filter, position, limit)))
  }

  verifyAudit(): Answer<Verification> {
    return this.#askOfOnce((name) => ok(verifyAudit(this.room.sql, name)))
  }

  /** About an environment that is or was here. */
  #askOfOnce<T>(question: (name: string) => Answer<T>): Answer<T> {
    const lineage = readLineage(this.room.sql)
    return lineage === null ? failed({ reason: 'environment-unknown' }) : question(lineage.name)
  }

  #nextScheduleMs(): number | null {
    const dueMs = nextScheduleMs(this.room.sql)
    return dueMs === null ? null : Math.max(dueMs, this.schedulesRestUntilMs)
  }
}

const unknown = (what: string, key: string) => failed({ reason: 'unknown', what, key, nearest: null })

const unknownKillVersion = (n: number) => unknown('version of the kill list', String(n))
