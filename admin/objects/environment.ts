/**
 * One environment: the single writer of its document, versions, settings, SDK keys and kill list. A shell: each public
 * method is one RPC, decides in one transaction, and answers expected failures as plain data; what others need to hear is
 * marked in that transaction and carried out after it (outbox.ts).
 */
import { type FlagDocument, type KillTarget, type Known, ok, type Update } from '../../engine/index.ts'
import { objectOf } from '../backup/format.ts'
import type { Change, Promotion, ScheduleRequest } from '../change/change.ts'
import type { StoreKind } from '../config/store-config.ts'
import type { Edit } from '../edit.ts'
import { parseConfig } from '../env.ts'
import { conflict, type Failure, failed } from '../failure.ts'
import type { Freeze, Window } from '../governance/calendar.ts'
import { HealthHints } from '../health/hints.ts'
import { checkPrecondition, type Precondition } from '../precondition.ts'
import { mintSigningKey, signPreview } from '../preview/signing.ts'
import type { Author, SdkKey, Settings } from '../settings.ts'
import type { Approval } from '../storage/approvals.ts'
import { REAL_TIME } from '../storage/aws/timing.ts'
import type { StoredFreeze, StoredWindow } from '../storage/calendar.ts'
import type { KillRecord } from '../storage/kills.ts'
import { addLocation } from '../storage/locations.ts'
import { forgetful, isSetUp, openStore } from '../storage/open-store.ts'
import { prunePreviews, readSigningKey, type StoredPreview } from '../storage/previews.ts'
import { beginRecovery } from '../storage/recovery.ts'
import type { Review } from '../storage/reviews.ts'
import type { Schedule } from '../storage/schedules.ts'
import { readLineage, readState, type State } from '../storage/state.ts'
import type { FlagStore } from '../storage/store.ts'
import { type Lane, Throttle } from '../throttle.ts'
import type { Recognition, Refusal } from './access.ts'
import type { Answer, Described, Edited } from './answers.ts'
import { type Decision as ApprovalDecision, decideApproval, failApproval } from './approving.ts'
import { allOrNothing } from './backup/all-or-nothing.ts'
import { restoreEnvironment } from './backup/restore-environment.ts'
import type { Restored, Source } from './backup/restored.ts'
import { addToStage, clearStage, dropStage, requireStage, type StagedRecord } from './backup/stage.ts'
import { addFreeze, addWindow, endInCalendar } from './calendar.ts'
import { Callers } from './callers.ts'
import { carryOutExpiries, type Made } from './carry-out.ts'
import { closeReview, type Manner, submit } from './changes.ts'
import { type Copied, type CopyRequest, copyStore, refusalOf } from './copying.ts'
import { drill, drillIfDue } from './drilling.ts'
import { readForEdge } from './edge-read.ts'
import { embeddedStore } from './embedded-store.ts'
import { EnvironmentQueries } from './environment-queries.ts'
import { mintEpoch } from './epoch.ts'
import type { KillRequest } from './kill-switch.ts'
import { putLabel } from './labelling.ts'
import type { Decision } from './ledger.ts'
import { PROJECT_NAME } from './names.ts'
import { purge } from './purging.ts'
import { record } from './recording.ts'
import { cancelSchedule, runDueSchedules } from './scheduling.ts'
import { addKey, removeKey } from './sdk-keys.ts'
import {
  addFirstKey,
  addPreview,
  endPreview,
  hostOfPreview,
  type PreviewRequest,
  rotateSigningKey,
} from './signed-previews.ts'

/** How long schedules wait after AWS did not take the change of one. */
const SCHEDULE_REST_MS = 15_000

/** What may be asked through `admit`. */
export type AdmittedMethod = 'edit' | 'entity' | 'entities'
const ADMITTED: ReadonlySet<string> = new Set<AdmittedMethod>(['edit', 'entity', 'entities'])

export class EnvironmentObject extends EnvironmentQueries {
  readonly #health = new HealthHints()
  readonly #callers = new Callers(
    (tokenHash) => this.#vouched(tokenHash),
    () => this.#name !== undefined,
    new Throttle(parseConfig(this.env).requestsPerSecond),
  )

  /** Another method of this object, for whoever shows this token; or why that one may not call. */
  async admit<M extends AdmittedMethod>(
    tokenHash: string,
    lane: Lane,
    method: M,
    args: Parameters<EnvironmentObject[M]>,
  ): Promise<{ answer: Awaited<ReturnType<EnvironmentObject[M]>> } | Refusal> {
    if (!ADMITTED.has(method)) throw new Error(`[environment] ${method} is not asked through admit()`)
    const refusal = this.#callers.refusalOf(tokenHash, lane, Date.now())
    const refused = refusal instanceof Promise ? await refusal : refusal
    if (refused !== null) return refused
    const ask = this[method] as (
      ...args: Parameters<EnvironmentObject[M]>
    ) => ReturnType<EnvironmentObject[M]>
    return { answer: await ask.apply(this, args) }
  }

  /** Somebody may call no more. */
  forgetCallers(): void {
    this.#callers.forget()
  }

  /** `undefined`: it has no environment and never had one. It keeps nothing then, so it is told nothing either. */
  get #name(): string | undefined {
    return readLineage(this.room.sql)?.name
  }

  #vouched(tokenHash: string): Promise<Recognition> {
    const project = this.env.PROJECT.getByName(PROJECT_NAME)
    const name = this.#name
    return name === undefined ? project.recognize({ tokenHash }, 'all-else') : project.vouch(tokenHash, name)
  }

  /** What an edge, through ControlRpc, is told: small, and from memory. */
  read(known: Known): Answer<Update> {
    return readForEdge(this.room, this.#health, known)
  }

  /** Which origins are unhealthy now, to be told to edges. In memory: it is said again every few seconds. */
  hearHealth(unhealthy: readonly string[], holdsMs: number): void {
    this.#health.hear(unhealthy, holdsMs, Date.now())
  }

  addLocation(location: string): Answer<null> {
    return this.room.ledger.ask(() => {
      addLocation(this.room.sql, location)
      return ok(null)
    })
  }

  /** The same kill list under the next version: travels as a kill does and changes nothing. */
  drill(author: Author): Answer<{ version: number; publishedAtMs: number }> {
    return this.room.ledger.decide((state, nowMs) => {
      return ok({ version: drill(this.room, state, author, nowMs), publishedAtMs: nowMs })
    })
  }

  /** Nothing that edges keep of responses is used any more, as soon as the kill list of this version is there. */
  purge(author: Author): Answer<{ version: number; publishedAtMs: number }> {
    return this.room.ledger.decide((state, nowMs) => {
      return ok({ version: purge(this.room, state, author, nowMs), publishedAtMs: nowMs })
    })
  }

  /** Creates the environment (`noneMatch`) or changes its settings. */
  async putSettings(
    name: string,
    settings: Settings,
    manner: Manner & { readonly precondition: Precondition },
    author: Author,
  ): Promise<Answer<{ created: boolean; description: Described }>> {
    const put = (nowMs: number): Answer<{ created: boolean }> => {
      const state = readState(this.room.sql)
      if (state === null) {
        const allowed = checkPrecondition(manner.precondition, 'environment', name, null)
        if (!allowed.ok) return allowed
        this.#create(name, settings, author, nowMs)
        return ok({ created: true })
      }
      const made = submit(this.room, state, { do: 'settings', settings }, manner, author, nowMs)
      return made.ok ? ok({ created: false }) : made
    }
    const answer = await this.sync.inTurn(() => this.room.ledger.write(put))
    if (!answer.ok) return this.room.ledger.toldToDirectory(answer)
    const { created } = answer.value
    // What AWS holds for it is there from the beginning.
    if (created && this.room.inAws) await this.sync.look()
    const described = this.room.ledger.ask((state) => ok({ created, description: this.described(state) }))
    return this.room.ledger.toldToDirectory(described)
  }

  /** Deletes the environment and all it holds. Edges go on with what they have. */
  async remove(manner: Manner, author: Author): Promise<Answer<null>> {
    const answer = await this.#submit({ do: 'remove-environment' }, manner, author)
    return this.room.ledger.toldToDirectory(answer.ok ? ok(null) : answer)
  }

  async addKey(key: SdkKey, author: Author): Promise<Answer<null>> {
    const added = await this.#decideInTurn((state, nowMs) => addKey(this.room, state, key, author, nowMs))
    return this.room.ledger.toldToDirectory(added)
  }

  async removeKey(id: string, author: Author): Promise<Answer<null>> {
    const removed = await this.#decideInTurn((state, nowMs) => removeKey(this.room, state, id, author, nowMs))
    return this.room.ledger.toldToDirectory(removed)
  }

  /** Signs a preview. `version`: the one that tells edges of its key; `null`: they know it. */
  async mintPreview(
    request: PreviewRequest,
    author: Author,
  ): Promise<Answer<{ preview: StoredPreview; token: string; version: number | null }>> {
    const { ledger } = this.room
    const wrong = ledger.ask(() => hostOfPreview(this.room, request))
    if (!wrong.ok) return wrong
    let version: number | null = null
    if (readSigningKey(this.room.sql) === null) {
      const first = await mintSigningKey()
      const added = await this.#decideInTurn((state, nowMs) =>
        addFirstKey(this.room, state, first, author, nowMs),
      )
      if (!added.ok) return added
      version = added.value
    }
    const made = ledger.decide((state, nowMs) => addPreview(this.room, state, request, author, nowMs))
    if (!made.ok) return made
    const { preview, key, claims } = made.value
    return ok({ preview, token: await signPreview(key, claims), version })
  }

  revokePreview(id: string, author: Author): Promise<Answer<{ version: number }>> {
    return this.#decideInTurn((state, nowMs) => endPreview(this.room, state, id, author, nowMs))
  }

  async rotatePreviewKey(endAll: boolean, author: Author): Promise<Answer<{ version: number }>> {
    const key = await mintSigningKey()
    return this.#decideInTurn((state, nowMs) =>
      rotateSigningKey(this.room, state, key, endAll, author, nowMs),
    )
  }

  /** The document here as a store, for whoever copies from it or to it. Not for RPC: it holds functions. */
  embedded(author: Author): FlagStore {
    return embeddedStore(this.room, author)
  }

  /** Somebody says that there is something new in AWS. */
  lookSoon(): Answer<null> {
    return this.room.ledger.ask(() => {
      this.sync.lookSoon(Date.now())
      return ok(null)
    })
  }

  /** From one store to another. What counts is changed as by anybody: with approvals, windows and freezes. */
  async copyStore(request: CopyRequest, manner: Manner, author: Author): Promise<Answer<Copied>> {
    const { store } = parseConfig(this.env)
    const state = readState(this.room.sql)
    if (state === null) return failed({ reason: 'environment-unknown' })
    const refused = refusalOf(request, store.kind, (kind) => isSetUp(kind, store))
    if (refused !== null) return refused
    const open = async (kind: StoreKind) =>
      kind === 'embedded'
        ? embeddedStore(this.room, author)
        : openStore(kind, store, state.name, forgetful(), REAL_TIME)
    const publish = (document: FlagDocument) =>
      this.#submit(
        { do: 'edit', edit: { do: 'put-document', text: JSON.stringify(document) } },
        manner,
        author,
      )
    const copied = await copyStore(this.room, state, {
      ...{ from: await open(request.from), to: await open(request.to), dryRun: request.dryRun },
      // What is in force already needs nobody's consent: an empty place is filled with it.
      publish: request.to === store.kind && request.from !== 'embedded' ? publish : null,
    })
    if (request.to === store.kind) this.sync.lookSoon(Date.now())
    else if (copied.ok && copied.value.written)
      this.room.ledger.write((nowMs) => {
        const { from, to, identical } = copied.value
        const act = { action: 'store.copied', subject: `environment:${state.name}`, author }
        record(this.room.sql, state.name, act, nowMs, { details: { from, to, identical } })
      })
    return copied
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

  /** Flags of another environment. `expected`: the version of the document that the caller has seen, or `null`. */
  promote(
    promotion: Promotion,
    expected: number | null,
    manner: Manner,
    author: Author,
  ): Promise<Answer<Edited>> {
    return this.sync.decide((state, nowMs) => {
      if (expected !== null && expected !== state.version)
        return conflict(
          'changed-since',
          `Environment ${state.name} is at version ${state.version}, not ${expected}.`,
        )
      const made = submit(this.room, state, { do: 'promote', promotion }, manner, author, nowMs)
      return made.ok ? ok(editedOf(made.value)) : made
    })
  }

  /** Names a version, or takes the name away (`null`). */
  label(label: string, version: number | null, author: Author): Answer<null> {
    return this.room.ledger.decide((state, nowMs) =>
      putLabel(this.room, state, label, version, author, nowMs),
    )
  }

  putKill(
    target: KillTarget,
    request: KillRequest,
    manner: Manner,
    author: Author,
  ): Answer<{ created: boolean; version: number; kill: KillRecord }> {
    // First of all, and whatever AWS is doing.
    const made = this.room.ledger.decide((state, nowMs) =>
      submit(this.room, state, { do: 'place-kill', target, request }, manner, author, nowMs),
    )
    if (!made.ok) return made
    const { created, state, kill } = made.value
    return ok({ created, version: state.kills, kill: kill! })
  }

  async removeKill(target: string, manner: Manner, author: Author): Promise<Answer<{ version: number }>> {
    const made = await this.#submit({ do: 'lift-kill', target }, manner, author)
    return made.ok ? ok({ version: made.value.state.kills }) : made
  }

  /** Lets an origin's breakers go that were held open; with `forget` edges begin anew with it. */
  async releaseBreaker(
    origin: string,
    forget: boolean,
    manner: Manner,
    author: Author,
  ): Promise<Answer<{ version: number }>> {
    const made = await this.#submit({ do: 'release-breaker', origin, forget }, manner, author)
    return made.ok ? ok({ version: made.value.state.kills }) : made
  }

  async decideApproval(n: number, decision: ApprovalDecision, author: Author): Promise<Answer<Approval>> {
    const answer = await this.sync.decide((state, nowMs) =>
      decideApproval(this.room, state, n, decision, author, nowMs),
    )
    if (!answer.ok && answer.error.reason === 'invalid') return this.#failApproval(n, answer.error, author)
    return this.room.ledger.toldToDirectory(answer)
  }

  /** It does not fit into AWS, and never will. */
  #failApproval(n: number, failure: Failure, author: Author): Promise<Answer<Approval>> {
    return this.#decideInTurn((state, nowMs) => failApproval(this.room, state, n, failure, author, nowMs))
  }

  async addSchedule(schedule: ScheduleRequest, manner: Manner, author: Author): Promise<Answer<Schedule>> {
    const made = await this.#submit({ do: 'schedule', schedule }, manner, author)
    return made.ok ? ok(made.value.schedule!) : made
  }

  cancelSchedule(n: number, author: Author): Promise<Answer<Schedule>> {
    return this.#decideInTurn((state, nowMs) => cancelSchedule(this.room, state, n, author, nowMs))
  }

  closeReview(seq: number, note: string, author: Author): Answer<Review> {
    return this.room.ledger.decide((state, nowMs) => closeReview(this.room, state, seq, note, author, nowMs))
  }

  addWindow(window: Window, author: Author): Promise<Answer<StoredWindow>> {
    return this.#decideInTurn((state, nowMs) => addWindow(this.room, state, window, author, nowMs))
  }

  addFreeze(freeze: Freeze, author: Author): Promise<Answer<StoredFreeze>> {
    return this.#decideInTurn((state, nowMs) => addFreeze(this.room, state, freeze, author, nowMs))
  }

  endInCalendar(table: 'windows' | 'freezes', n: number, author: Author): Promise<Answer<null>> {
    return this.#decideInTurn((state, nowMs) => endInCalendar(this.room, state, table, n, author, nowMs))
  }

  /** Takes records of a backup that is to be restored here. */
  stageBackup(stage: string, from: number, records: readonly StagedRecord[]): void {
    this.ctx.storage.transactionSync(() => addToStage(this.room.sql, stage, from, records))
  }

  /** Forgets them, if they are still there. */
  dropBackup(stage: string): void {
    this.ctx.storage.transactionSync(() => dropStage(this.room.sql, stage))
  }

  /** Restores the staged backup, or says what that would do. */
  async restoreBackup(source: Source, dryRun: boolean, author: Author): Promise<Answer<Restored>> {
    const isHere = readState(this.room.sql) !== null
    const answer = await allOrNothing<Restored>(
      // Where the document lives in AWS, that of a live environment is written there first.
      (work) =>
        isHere && !dryRun
          ? this.sync.decide((_, nowMs) => work(nowMs))
          : this.sync.inTurn(() => this.room.ledger.write(work)),
      dryRun,
      (nowMs) => this.#restore(source, author, nowMs),
    )
    return this.room.ledger.toldToDirectory(answer)
  }

  /** Does what is due: expiries, schedules, drills, what is owed to others. Safe to run at any time, any number of times. */
  override async alarm(): Promise<void> {
    this.room.ledger.rang()
    try {
      this.room.ledger.write((nowMs) => {
        const state = readState(this.room.sql)
        if (state === null) return
        carryOutExpiries(this.room, state, nowMs)
        drillIfDue(this.room, nowMs)
        this.room.publisher.prune(nowMs)
        prunePreviews(this.room.sql, nowMs)
      })
      this.sync.lookIfDue(Date.now())
      // What others have to hear, such as a kill, waits for no schedule that waits for AWS.
      await Promise.all([this.room.ledger.flush(), this.#runDueSchedules()])
    } finally {
      await this.room.ledger.flush()
      this.room.ledger.arm()
    }
  }

  #restore(source: Source, author: Author, nowMs: number): Answer<Restored> {
    requireStage(this.room.sql, source.stage)
    const { environment } = objectOf(source.begin.begin)!
    const restored = restoreEnvironment(this.room, environment!, source, author, nowMs)
    clearStage(this.room.sql)
    return restored
  }

  #submit(change: Change, manner: Manner, author: Author): Promise<Answer<Made>> {
    return this.sync.decide((state, nowMs) => submit(this.room, state, change, manner, author, nowMs))
  }

  /** For what leaves the document alone, and works whatever has become of it, but may forbid a change that AWS is taking. */
  #decideInTurn<T>(decision: Decision<T>): Promise<Answer<T>> {
    return this.sync.inTurn(() => this.room.ledger.decide(decision))
  }

  /** Everything that is due, oldest first. What AWS does not take now waits a little. */
  async #runDueSchedules(): Promise<void> {
    if (Date.now() < this.schedulesRestUntilMs) return
    const ran = await runDueSchedules(this.room, this.sync)
    if (!ran.ok) this.schedulesRestUntilMs = Date.now() + SCHEDULE_REST_MS
  }

  #create(name: string, settings: Settings, author: Author, nowMs: number): State {
    const before = readLineage(this.room.sql)
    const epoch = mintEpoch(nowMs, before?.epoch ?? 0)
    // There may have been one of this name, of which nothing is left: edges know.
    if (before === null) beginRecovery(this.room.sql, { epoch: 0, kills: 0 })
    const act = { action: 'environment.created', subject: `environment:${name}`, author }
    const state = this.room.publisher.create({ name, epoch, createdAtMs: nowMs }, settings, act, nowMs)
    this.room.ledger.mark(nowMs, 'last-known-good', 'directory')
    return state
  }
}

const editedOf = ({ state, created, warnings, entities }: Made): Edited => ({
  version: state.version,
  created,
  warnings,
  entities,
})
