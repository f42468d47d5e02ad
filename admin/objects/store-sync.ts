/**
 * Keeps an environment and its store in AWS in step: looks there when it is due, and writes there before a change of the
 * document is made here. Embedded, every change is made at once and there is nothing to look at.
 */
import type { Result } from '../../engine/index.ts'
import type { Document } from '../document.ts'
import { failed } from '../failure.ts'
import { logError, logWarn, messageOf } from '../log.ts'
import { system } from '../settings.ts'
import { changesBetween } from '../storage/document.ts'
import { effective } from '../storage/entities.ts'
import { killsForEdges } from '../storage/kills.ts'
import type { StorePlace } from '../storage/open-store.ts'
import { readState, type State } from '../storage/state.ts'
import {
  type FlagStore,
  type Loaded,
  type Overwritten,
  type Revision,
  type StoreError,
  sentenceOf,
} from '../storage/store.ts'
import { readRevision, readTrouble, type Trouble, writeRevision } from '../storage/store-state.ts'
import { adopt } from './adoption.ts'
import type { Answer, StoreStatus } from './answers.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Decision } from './ledger.ts'
import { PlacedStore } from './placed-store.ts'
import { record } from './recording.ts'
import type { Room } from './room.ts'
import { failureOf } from './store-failure.ts'
import { noteTrouble, noteWell } from './store-trouble.ts'
import { Turns } from './turns.ts'

/** A look that did not end by then has died with its instance. */
const LEASE_MS = 60_000
/** Somebody else's change of several parameters takes a moment; after a conflict we want to know what it was. */
const SOON_MS = 2_000
/** Whose writer has died: it is taken back. */
const ABANDONED_AFTER_MS = 60_000

const EMBEDDED: StoreStatus = {
  ...{ kind: 'embedded', place: null, trouble: null },
  ...{ warnings: [], checkedAtMs: null, okAtMs: null },
}

export class StoreSync {
  readonly #room: Room
  readonly #placed: PlacedStore
  readonly #group: GroupCommit
  readonly #turns = new Turns()
  /** The look that is under way; it may take long. */
  #looking: Promise<void> | null = null
  /** The last time that AWS did not take anything in time, ms since 1970. */
  #silent: { readonly sinceMs: number; readonly error: StoreError } | null = null

  /** `placeOf`: where an environment's document lives in AWS; `null`: nowhere. */
  constructor(room: Room, group: GroupCommit, placeOf: (environment: string) => StorePlace | null) {
    this.#room = room
    this.#group = group
    this.#placed = new PlacedStore(room, placeOf)
  }

  /** A decision that may change the document: if it does, AWS has it first. */
  async decide<T>(decision: Decision<T>): Promise<Answer<T>> {
    const { ledger, inAws } = this.#room
    if (!inAws) return this.#group.run(() => ledger.decide(decision))
    const askedMs = Date.now()
    return this.#turns.run(() => this.#throughStore(decision, askedMs))
  }

  /** A decision that leaves the document alone, but must not come between another's rehearsal and its end. */
  async inTurn<T>(work: () => T): Promise<T> {
    return this.#room.inAws ? this.#turns.run(async () => work()) : work()
  }

  /** Looks what there is in AWS, and takes it over. Never throws: what goes wrong is noted, and tried again. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((thrown) => logError('store-look-failed', { cause: messageOf(thrown) }))
      .finally(() => {
        this.#looking = null
      })
    return this.#looking
  }

  /** Resolves when no look is under way. */
  async looked(): Promise<void> {
    await this.#looking
  }

  /** Begins to look, if it is time. Others need the alarm meanwhile. */
  lookIfDue(nowMs: number): void {
    const dueMs = this.nextLookMs()
    if (dueMs !== null && dueMs <= nowMs) void this.look()
  }

  status(environment: string): StoreStatus {
    return this.#room.inAws ? this.#placed.status(environment) : EMBEDDED
  }

  /** When the next look is due, ms since 1970. */
  nextLookMs(): number | null {
    const state = readState(this.#room.sql)
    if (!this.#room.inAws || state === null) return null
    return this.#placed.state(state.name).pollAtMs
  }

  /** Somebody says that there is something new. */
  lookSoon(nowMs: number): void {
    const state = readState(this.#room.sql)
    if (state !== null && this.#room.inAws) this.#placed.lookSoon(state.name, nowMs)
  }

  /** The effect that copies the kills. Throws if it could not. */
  async copyKills(): Promise<void> {
    const { sql, ledger } = this.#room
    const state = readState(sql)
    if (state === null || !this.#room.inAws) return
    await this.#turns.run(async () => {
      const store = this.#placed.open(state.name)
      if (store.saveKills === null) return
      const revision = this.#placed.revision(state.name)
      if (revision === null) throw new Error(`${store.place} was never read`)
      const saved = this.#heard(await store.saveKills(killsForEdges(sql), revision))
      if (!saved.ok) throw new Error(sentenceOf(saved.error))
      ledger.write(() => writeRevision(sql, saved.value))
    })
  }

  async #throughStore<T>(decision: Decision<T>, askedMs: number): Promise<Answer<T>> {
    const { sql, ledger } = this.#room
    const nowMs = Date.now()
    const before = readState(sql)
    if (before === null) return failed({ reason: 'environment-unknown' })
    const { answer, document } = this.#rehearse(before, decision, nowMs)
    // Nothing for AWS: in the same moment, the same decision comes out the same.
    if (!answer.ok || document === null) return ledger.decide(decision, nowMs)
    const store = this.#placed.open(before.name)
    const expected = this.#placed.revision(before.name)
    if (expected === null) return notRead(store, readTrouble(sql))
    // Whoever waited while AWS did not answer another has waited long enough.
    if (this.#silent !== null && this.#silent.sinceMs >= askedMs)
      return this.#refused(before, this.#silent.error)
    const saved = this.#heard(await store.save(document, expected))
    if (!saved.ok) return this.#refused(before, saved.error)
    return ledger.decide((state) => {
      const decided = decision(state, nowMs)
      this.#noteSaved(saved.value, document)
      return decided
    }, nowMs)
  }

  #heard<T>(saved: Result<T, StoreError>): Result<T, StoreError> {
    const isSilent = !saved.ok && saved.error.reason === 'unavailable'
    this.#silent = isSilent ? { sinceMs: Date.now(), error: saved.error } : null
    return saved
  }

  /** The document that the decision makes; `null`: it leaves it as it is. */
  #rehearse<T>(state: State, decision: Decision<T>, nowMs: number) {
    const { publisher, ledger } = this.#room
    const { answer, seen } = ledger.rehearse(decision, (after) => publisher.document(after), nowMs)
    const changed = seen !== null && !this.#isCurrent(state, seen)
    return { answer, document: changed ? seen : null }
  }

  #isCurrent(state: State, document: Document): boolean {
    const { sql, publisher } = this.#room
    return effective(sql, changesBetween(publisher.document(state), document)).length === 0
  }

  /** If the decision came out otherwise after all, AWS is ahead, and the next look takes over what is there. */
  #noteSaved(revision: Revision, document: Document): void {
    const state = readState(this.#room.sql)
    if (state === null) return
    if (this.#isCurrent(state, document)) writeRevision(this.#room.sql, revision)
    else this.#placed.write({ ...this.#placed.state(state.name), pollAtMs: Date.now() })
  }

  #refused<T>(state: State, error: StoreError): Answer<T> {
    const { sql, ledger } = this.#room
    ledger.write((nowMs) => {
      if (error.reason === 'changed' && error.overwritten !== null)
        recordOverwritten(sql, state.name, error.overwritten, nowMs)
      const known = this.#placed.state(state.name)
      if (error.reason === 'changed' || error.reason === 'busy')
        this.#placed.write({ ...known, pollAtMs: Math.min(known.pollAtMs, nowMs) })
    })
    return failureOf(error, Date.now() + SOON_MS)
  }

  async #look(): Promise<void> {
    const { sql, ledger } = this.#room
    const state = readState(sql)
    if (state === null) return
    const { pushed } = this.#placed.state(state.name)
    ledger.write((nowMs) =>
      this.#placed.write({
        ...this.#placed.state(state.name),
        ...{ pollAtMs: nowMs + LEASE_MS, polledAtMs: nowMs, pushed: false },
      }),
    )
    const store = this.#placed.open(state.name)
    const known = readRevision(sql)
    const found = await store.load(known, pushed)
    await this.#turns.run(async () => {
      // Saved in the meantime: it has seen neither what was there before nor what is there now.
      if (readRevision(sql) !== known) this.#placed.plan(0)
      else if (found.ok || !(await this.#tookBack(store, found.error, known)))
        this.#placed.plan(this.#settle(store, found))
    })
  }

  /** What was found is taken over, or noted as trouble. Answers in how many ms the next look is due. */
  #settle(store: FlagStore, found: Result<Loaded | 'unchanged', StoreError>): number {
    const { sql, ledger } = this.#room
    const killsAreOwed = ledger.owed().some(({ effect }) => effect === 'store-kills')
    return ledger.write((nowMs) => {
      const state = readState(sql)
      if (state === null) return store.pollAfterMs
      const settled: Result<unknown, StoreError> =
        !found.ok || found.value === 'unchanged'
          ? found
          : adopt(this.#room, state, store.kind, found.value, killsAreOwed, nowMs)
      if (settled.ok) noteWell(sql, state, store, nowMs)
      else noteTrouble(sql, state, store, settled.error, nowMs)
      return !settled.ok && settled.error.reason === 'busy' ? SOON_MS : store.pollAfterMs
    })
  }

  /** Half of a change whose writer has died: what we know takes its place. */
  async #tookBack(store: FlagStore, error: StoreError, known: Revision | null): Promise<boolean> {
    const { sql, ledger, publisher } = this.#room
    const state = readState(sql)
    if (state === null || known === null || error.reason !== 'busy') return false
    if (Date.now() - error.sinceMs < ABANDONED_AFTER_MS) return false
    const saved = this.#heard(await store.save(publisher.document(state), known))
    if (!saved.ok) return false
    logWarn('store-change-taken-back', {
      environment: state.name,
      since: new Date(error.sinceMs).toISOString(),
    })
    ledger.write(() => writeRevision(sql, saved.value))
    this.#placed.plan(0)
    return true
  }
}

const notRead = ({ place }: FlagStore, trouble: Trouble | null) =>
  failed({
    reason: 'store-unavailable',
    detail: `nothing was read of ${place} so far${trouble === null ? '' : `: ${trouble.detail}`}`,
  })

function recordOverwritten(
  sql: SqlStorage,
  environment: string,
  { name, value }: Overwritten,
  nowMs: number,
) {
  const act = {
    action: 'store.overwritten',
    subject: `parameter:${name}`,
    author: system('written at the same moment'),
  } as const
  record(sql, environment, act, nowMs, { details: { value } })
}
