/**
 * One environment: the single writer of its document, versions, settings, SDK keys and kill list. A shell: each public
 * method is one RPC, decides in one transaction, and answers expected failures as plain data; what others need to hear is
 * marked in that transaction and carried out after it (outbox.ts).
 */
import { type KillTarget, type Known, ok, type Update } from '../../engine/index.ts'
import type { Change, Promotion, ScheduleRequest } from '../change/change.ts'
import type { Edit } from '../edit.ts'
import { parseConfig } from '../env.ts'
import { conflict, type Failure } from '../failure.ts'
import type { Freeze, Window } from '../governance/calendar.ts'
import { HealthHints } from '../health/hints.ts'
import { mintSigningKey } from '../preview/signing.ts'
import type { Author, SdkKey, Settings } from '../settings.ts'
import type { Approval } from '../storage/approvals.ts'
import type { StoredFreeze, StoredWindow } from '../storage/calendar.ts'
import type { KillRecord } from '../storage/kills.ts'
import { addLocation } from '../storage/locations.ts'
import { prunePreviews } from '../storage/previews.ts'
import type { Review } from '../storage/reviews.ts'
import type { Schedule } from '../storage/schedules.ts'
import { readLineage, readState } from '../storage/state.ts'
import { type Lane, Throttle } from '../throttle.ts'
import type { Recognition, Refusal } from './access.ts'
import type { Answer, Described, Edited } from './answers.ts'
import { type Decision as ApprovalDecision, decideApproval, failApproval } from './approving.ts'
import { allOrNothing } from './backup/all-or-nothing.ts'
import { restoreEnvironment } from './backup/restore-environment.ts'
import type { Restored, Source } from './backup/restored.ts'
import { addToStage, dropStage, type StagedRecord } from './backup/stage.ts'
import { addFreeze, addWindow, endInCalendar } from './calendar.ts'
import { Callers } from './callers.ts'
import { carryOutExpiries, type Made } from './carry-out.ts'
import { closeReview, type Manner, submit } from './changes.ts'
import { type Copied, type CopyRequest, copyStore } from './copying.ts'
import { type PutManner, putSettings } from './creating.ts'
import { drill, drillIfDue } from './drilling.ts'
import { readForEdge } from './edge-read.ts'
import { EnvironmentQueries } from './environment-queries.ts'
import type { KillRequest } from './kill-switch.ts'
import { putLabel } from './labelling.ts'
import type { Decision } from './ledger.ts'
import { PROJECT_NAME } from './names.ts'
import { purge } from './purging.ts'
import { cancelSchedule, runDueSchedules } from './scheduling.ts'
import { addKey, removeKey } from './sdk-keys.ts'
import {
  endPreview,
  type MintedPreview,
  mintPreview,
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

  // What edges and their health are told, and tell.

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

  // Settings and SDK keys.

  /** Creates the environment (`noneMatch`) or changes its settings. */
  async putSettings(
    name: string,
    settings: Settings,
    manner: PutManner,
    author: Author,
  ): Promise<Answer<{ created: boolean; description: Described }>> {
    const put = await this.sync.inTurn(() =>
      this.room.ledger.write((nowMs) => putSettings(this.room, name, settings, manner, author, nowMs)),
    )
    if (!put.ok) return this.room.ledger.toldToDirectory(put)
    const { created } = put.value
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

  // Signed previews.

  /** Signs a preview. */
  mintPreview(request: PreviewRequest, author: Author): Promise<Answer<MintedPreview>> {
    return mintPreview(this.room, (decision) => this.#decideInTurn(decision), request, author)
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

  // The store in AWS.

  /** Somebody says that there is something new in AWS. */
  lookSoon(): Answer<null> {
    return this.room.ledger.ask(() => {
      this.sync.lookSoon(Date.now())
      return ok(null)
    })
  }

  /** From one store to another. What counts is changed as by anybody: with approvals, windows and freezes. */
  copyStore(request: CopyRequest, manner: Manner, author: Author): Promise<Answer<Copied>> {
    const { store } = parseConfig(this.env)
    return copyStore(this.room, this.sync, store, request, author, (document) =>
      this.edit({ do: 'put-document', text: JSON.stringify(document) }, manner, author),
    )
  }

  // The document and its versions.

  edit(edit: Edit, manner: Manner, author: Author): Promise<Answer<Edited>> {
    return this.#edited({ do: 'edit', edit }, manner, author)
  }

  /** The document of an earlier version becomes the next one. */
  restore(version: number, manner: Manner, author: Author): Promise<Answer<Edited>> {
    return this.#edited({ do: 'restore', version }, manner, author)
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

  // The kill list.

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

  removeKill(target: string, manner: Manner, author: Author): Promise<Answer<{ version: number }>> {
    return this.#killed({ do: 'lift-kill', target }, manner, author)
  }

  /** Lets an origin's breakers go that were held open; with `forget` edges begin anew with it. */
  releaseBreaker(
    origin: string,
    forget: boolean,
    manner: Manner,
    author: Author,
  ): Promise<Answer<{ version: number }>> {
    return this.#killed({ do: 'release-breaker', origin, forget }, manner, author)
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

  // What waits: approvals, schedules, reviews; and when changes may be made.

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

  // Backups.

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
      (nowMs) => restoreEnvironment(this.room, source, author, nowMs),
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

  async #edited(change: Change, manner: Manner, author: Author): Promise<Answer<Edited>> {
    const made = await this.#submit(change, manner, author)
    return made.ok ? ok(editedOf(made.value)) : made
  }

  /** For what changes the kill list, whose next version it answers. */
  async #killed(change: Change, manner: Manner, author: Author): Promise<Answer<{ version: number }>> {
    const made = await this.#submit(change, manner, author)
    return made.ok ? ok({ version: made.value.state.kills }) : made
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
}

const editedOf = ({ state, created, warnings, entities }: Made): Edited => ({
  version: state.version,
  created,
  warnings,
  entities,
})
