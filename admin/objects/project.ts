/**
 * The control plane's own storage: who may call the API, the audit log of that, and the directory of which environments
 * exist and which SDK key belongs to which. Environments report themselves after each change; a report that is older than
 * what is known is ignored, so late and repeated ones do no harm. A shell: each public method is one RPC.
 */

import { ok } from '../../engine/index.ts'
import { type Person, type Token, tokenNameOf } from '../access/grants.ts'
import type { Scope } from '../access/principal.ts'
import { type Env, parseConfig } from '../env.ts'
import type { ProjectVitals } from '../monitoring/vitals.ts'
import type { Author, Description } from '../settings.ts'
import { lastSeq } from '../storage/audit.ts'
import {
  type DirectoryEntry,
  environmentNames,
  type ListedKey,
  liveEnvironments,
  pageEnvironments,
  pageListedKeys,
  readListedKey,
  writeEnd,
  writeReport,
} from '../storage/directory.ts'
import { pagePeople, pageTokens, readPerson, readToken } from '../storage/grants.ts'
import { addListener, listeners } from '../storage/listeners.ts'
import { transact } from '../storage/recall.ts'
import { type Lane, Throttle } from '../throttle.ts'
import {
  addToken,
  type Credential,
  endToken,
  type PersonGrant,
  putPerson,
  type Recognition,
  recognize,
  removePerson,
} from './access.ts'
import { AlarmClock } from './alarm-clock.ts'
import type { Answer } from './answers.ts'
import { accessLines } from './backup/access-lines.ts'
import { RestorableObject } from './backup/restorable-object.ts'
import { restoreAccess } from './backup/restore-access.ts'
import type { Restored, Source } from './backup/restored.ts'
import { handOver } from './hand-over.ts'
import { migrate, PROJECT_MIGRATIONS } from './migrations.ts'
import { WEBHOOKS_NAME } from './names.ts'
import { Outbox } from './outbox.ts'
import { record } from './recording.ts'

type EffectName = 'webhooks' | 'callers'

export class ProjectObject extends RestorableObject {
  protected override readonly restorable = {
    ...({ kind: 'access', lines: accessLines, restore: restoreAccess } as const),
    decide: <T>(work: (nowMs: number) => T) => this.#decide(work, 'callers'),
  }
  readonly #sql: SqlStorage
  readonly #clock: AlarmClock
  readonly #throttle: Throttle
  readonly #outbox: Outbox<EffectName>

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, PROJECT_MIGRATIONS)
    this.#clock = new AlarmClock(ctx)
    this.#throttle = new Throttle(parseConfig(env).requestsPerSecond)
    this.#outbox = new Outbox(this.#sql, {
      webhooks: () => handOver(this.#sql, this.env.WEBHOOKS.getByName(WEBHOOKS_NAME)),
      callers: async () => {
        await Promise.all(
          listeners(this.#sql).map((name) => this.env.ENVIRONMENTS.getByName(name).forgetCallers()),
        )
      },
    })
  }

  /** Answers if this object's storage does. */
  ping(): boolean {
    return this.#sql.exec<{ one: number }>('SELECT 1 AS one').one().one === 1
  }

  /** How it is, and the environments in scope. */
  vitals(scope: Scope): ProjectVitals {
    return { environments: liveEnvironments(this.#sql, scope), owed: this.#outbox.owed() }
  }

  // Access.

  /** Who shows that credential. Counts the calls of all isolates together, by lanes. */
  recognize(credential: Credential, lane: Lane): Recognition {
    const recognized = recognize(this.#sql, credential, Date.now())
    if (!('principal' in recognized)) return recognized
    const waitMs = this.#throttle.waitMs(recognized.principal.id, lane, Date.now())
    return waitMs === 0 ? recognized : { refused: 'throttled', waitMs }
  }

  /** The same of a token, for an environment that remembers it, and counts by itself: it hears of revocations first. */
  vouch(tokenHash: string, environment: string): Recognition {
    addListener(this.#sql, environment)
    return recognize(this.#sql, { tokenHash }, Date.now())
  }

  addToken(token: Token, hash: string, author: Author): Answer<Token> {
    return this.#decide((nowMs) => addToken(this.#sql, token, hash, author, nowMs))
  }

  /** Revokes a token. `everywhere`: nobody takes it any more, also of those who remembered it. */
  async endToken(id: string, author: Author): Promise<Answer<{ token: Token; everywhere: boolean }>> {
    const ended = this.#decide((nowMs) => endToken(this.#sql, id, author, nowMs), 'callers')
    const everywhere = await this.#callersForgotten()
    return ended.ok ? ok({ token: ended.value, everywhere }) : ended
  }

  token(id: string): Token | null {
    return readToken(this.#sql, 'id', id)
  }

  /** When the token of that actor was revoked, ms since 1970; `null`: it was not, or it is none. */
  revokedAtMs(actor: string): number | null {
    const name = tokenNameOf(actor)
    return name === null ? null : (readToken(this.#sql, 'name', name)?.revokedAtMs ?? null)
  }

  /** One page of those that may act within `scope` only, newest first, older than the one at `after`. */
  tokens(scope: Scope, after: readonly [number, string] | null, limit: number): Token[] {
    return pageTokens(this.#sql, scope, after, limit)
  }

  putPerson(grant: PersonGrant, author: Author): Answer<{ created: boolean; person: Person }> {
    return this.#decide((nowMs) => putPerson(this.#sql, grant, author, nowMs))
  }

  removePerson(id: string, author: Author): Answer<null> {
    return this.#decide((nowMs) => removePerson(this.#sql, id, author, nowMs))
  }

  person(id: string): Person | null {
    return readPerson(this.#sql, id)
  }

  /** One page of those that may act within `scope` only, by id. */
  people(scope: Scope, after: string, limit: number): Person[] {
    return pagePeople(this.#sql, scope, after, limit)
  }

  // Backups.

  /** An entry in the audit log: a backup holds much that is nobody's business. `subject`: what is in it. */
  noteBackup(subject: string, author: Author): void {
    this.#decide((nowMs) => record(this.#sql, null, { action: 'backup.taken', subject, author }, nowMs))
  }

  // The directory.

  /** An environment's report of itself. */
  record(entry: DirectoryEntry): void {
    transact(this.ctx.storage, () => writeReport(this.#sql, entry))
  }

  /** An environment's last report: it was deleted. */
  forget(environment: string, epoch: number, version: number): void {
    transact(this.ctx.storage, () => writeEnd(this.#sql, environment, epoch, version))
  }

  /** One page of the environments in scope, by name, after the name `after`. */
  environments(scope: Scope, after: string, limit: number): Description[] {
    return pageEnvironments(this.#sql, scope, after, limit)
  }

  /** By name: those that exist, or `all` that ever did. */
  environmentNames(which: 'live' | 'all'): string[] {
    return environmentNames(this.#sql, which)
  }

  /** One page of SDK keys in scope, newest first, after the one at `after`; of one environment if named. */
  keys(
    scope: Scope,
    environment: string | null,
    after: readonly [number, string] | null,
    limit: number,
  ): ListedKey[] {
    return pageListedKeys(this.#sql, scope, environment, after, limit)
  }

  key(id: string): ListedKey | null {
    return readListedKey(this.#sql, id)
  }

  /** Carries out what is owed. Safe to run at any time, any number of times. */
  override async alarm(): Promise<void> {
    this.#clock.rang()
    try {
      await this.#outbox.flush(Date.now, {})
    } finally {
      this.#clock.set(this.#outbox.nextDueMs(Date.now()))
    }
  }

  override async restoreBackup(source: Source, dryRun: boolean, author: Author): Promise<Answer<Restored>> {
    const restored = await super.restoreBackup(source, dryRun, author)
    await this.#callersForgotten()
    return restored
  }

  /** Tells at once whoever has to hear of it; the alarm tries again if this fails. */
  async #callersForgotten(): Promise<boolean> {
    const succeeded = await this.#outbox.flushNow('callers', Date.now, {})
    this.#clock.set(this.#outbox.nextDueMs(Date.now()))
    return succeeded
  }

  /** A change that has an entry in the audit log if it is made, of which webhooks then hear, and others. */
  #decide<T>(work: (nowMs: number) => T, ...others: EffectName[]): T {
    try {
      return this.#write((nowMs) => {
        const before = lastSeq(this.#sql)
        const result = work(nowMs)
        if (lastSeq(this.#sql) !== before)
          for (const effect of ['webhooks', ...others] as const) this.#outbox.mark(effect, nowMs)
        return result
      })
    } finally {
      this.#clock.set(this.#outbox.nextDueMs(Date.now()))
    }
  }

  #write<T>(work: (nowMs: number) => T): T {
    return transact(this.ctx.storage, () => work(Date.now()))
  }
}
