/**
 * Checks the origins of one environment, for those of its routes that ask for it, and tells the environment which addresses are
 * unhealthy, and webhooks when that changes. An object of its own: however origins behave, publishing and kills wait for nothing here. A shell: what a check
 * means, and which are made now, is decided in admin/health.
 */
import { DurableObject } from 'cloudflare:workers'
import { isNewer } from '../../engine/index.ts'
import { type Env, parseConfig } from '../env.ts'
import { type Health, next } from '../health/machine.ts'
import type { Check, HealthPlan } from '../health/plan.ts'
import { type Outcome, probe } from '../health/probe.ts'
import { replanned, startable, unhealthyOf } from '../health/schedule.ts'
import { logWarn, messageOf } from '../log.ts'
import {
  type HeldCheck,
  type PlanRow,
  readChecks,
  readPlan,
  replaceChecks,
  writeCheck,
  writePlan,
} from '../storage/health.ts'
import { callEnvironment } from '../stubs.ts'
import { AlarmClock } from './alarm-clock.ts'
import { HealthEvents } from './health-events.ts'
import { HEALTH_MIGRATIONS, migrate } from './migrations.ts'

/** How long edges leave an address alone without hearing of it again, and how often they are told again. */
const HOLDS_MS = 20_000
const RETELL_MS = 5_000
/** After the environment could not be told. */
const RETRY_MS = 1_000
/** A check that is longer over than this has died with an earlier instance. */
const GRACE_MS = 5_000

/** One address that is checked, and how it is. Plain data. */
export interface AddressHealth extends Health {
  readonly name: string
  readonly check: Check
  readonly last: Outcome | null
  readonly dueAtMs: number
}

export class HealthObject extends DurableObject<Env> {
  readonly #sql: SqlStorage
  readonly #local: boolean
  readonly #clock: AlarmClock
  readonly #events: HealthEvents
  #plan: PlanRow | null
  #checks: ReadonlyMap<string, HeldCheck>
  /** Checks that are being made → when they are over at the latest, ms since 1970. */
  readonly #running = new Map<string, number>()
  #isTelling = false
  #toldAtMs = Number.NEGATIVE_INFINITY
  #tellRestsUntilMs = Number.NEGATIVE_INFINITY

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
    migrate(ctx.storage, HEALTH_MIGRATIONS)
    this.#local = parseConfig(env).local
    this.#clock = new AlarmClock(ctx)
    this.#events = new HealthEvents(ctx, { env, moved: () => this.#goOn() })
    this.#plan = readPlan(this.#sql)
    this.#checks = readChecks(this.#sql)
  }

  /** What is to be checked from now on. An older plan than the one at hand changes nothing. */
  plan({ environment, epoch, version, checks }: HealthPlan): void {
    const held = this.#plan
    if (held !== null && isNewer(held.epoch, held.version, epoch, version)) return
    const nowMs = Date.now()
    const planned = replanned(this.#checks, checks, nowMs)
    const row = { environment, epoch, version, told: held?.told ?? '[]' }
    this.ctx.storage.transactionSync(() => {
      writePlan(this.#sql, row)
      replaceChecks(this.#sql, planned)
      this.#events.note(environment, planned.values(), nowMs)
    })
    this.#plan = row
    this.#checks = planned
    this.#goOn()
  }

  /** Every address that is checked, by name. */
  list(): AddressHealth[] {
    // An alarm that never came is set again whenever somebody looks.
    this.#goOn()
    const found = [...this.#checks.values()].flatMap(({ check, health, last, dueAtMs }) =>
      check.names.map((name) => ({ name, check, ...health, last, dueAtMs })),
    )
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Begins what is due. Safe to run at any time, any number of times. */
  override alarm(): void {
    this.#clock.rang()
    this.#goOn()
  }

  /** Begins the checks that are due, tells what is to be told, and sets the alarm for what will be; waits for nothing. */
  #goOn(): void {
    const nowMs = Date.now()
    for (const key of startable(this.#checks, new Set(this.#running.keys()), nowMs)) {
      const { check } = this.#checks.get(key)!
      this.#running.set(key, nowMs + check.settings.timeoutMs + GRACE_MS)
      this.ctx.waitUntil(this.#check(key, check))
    }
    const tellAtMs = this.#tellAtMs()
    if (tellAtMs !== null && tellAtMs <= nowMs && !this.#isTelling) this.ctx.waitUntil(this.#tell())
    this.#events.dispatch(nowMs)
    this.#clock.set(this.#nextDueMs(nowMs))
  }

  async #check(key: string, check: Check): Promise<void> {
    const outcome = await probe(check, this.#local)
    this.#running.delete(key)
    const held = this.#checks.get(key)
    if (held !== undefined) this.#note(key, held, outcome)
    this.#goOn()
  }

  #note(key: string, { check, health: before }: HeldCheck, last: Outcome): void {
    const { names, settings } = check
    const { environment } = this.#plan!
    const passed = last.problem === null
    const nowMs = Date.now()
    const health = next(before, passed, settings, nowMs)
    const held = { check, health, last, dueAtMs: last.atMs + settings.periodMs }
    const checks = new Map(this.#checks).set(key, held)
    this.ctx.storage.transactionSync(() => {
      writeCheck(this.#sql, key, held)
      this.#events.note(environment, checks.values(), nowMs)
    })
    this.#checks = checks
    if (health.status === before.status || (before.status === 'unknown' && passed)) return
    const fields = { environment, origins: names.join(', '), status: health.status, problem: last.problem }
    logWarn('origin-health', fields)
  }

  /** When the environment is to be told, ms since 1970; `null`: it knows, and there is nothing to repeat. */
  #tellAtMs(): number | null {
    const unhealthy = unhealthyOf(this.#checks)
    if (this.#plan === null) return null
    if (JSON.stringify(unhealthy) !== this.#plan.told) return this.#tellRestsUntilMs
    return unhealthy.length === 0 ? null : Math.max(this.#toldAtMs + RETELL_MS, this.#tellRestsUntilMs)
  }

  async #tell(): Promise<void> {
    this.#isTelling = true
    const { environment } = this.#plan!
    const unhealthy = unhealthyOf(this.#checks)
    try {
      await callEnvironment(this.env, environment, (stub) => stub.hearHealth(unhealthy, HOLDS_MS))
      this.#toldAtMs = Date.now()
      this.#noteTold(JSON.stringify(unhealthy))
    } catch (thrown) {
      this.#tellRestsUntilMs = Date.now() + RETRY_MS
      logWarn('health-untold', { environment, cause: messageOf(thrown) })
    }
    this.#isTelling = false
    this.#goOn()
  }

  #noteTold(told: string): void {
    if (this.#plan === null || this.#plan.told === told) return
    this.#plan = { ...this.#plan, told }
    writePlan(this.#sql, this.#plan)
  }

  #nextDueMs(nowMs: number): number | null {
    const waiting = [...this.#checks]
      .filter(([key]) => !this.#running.has(key))
      // What is due and has not begun waits for one that is being made.
      .flatMap(([, { dueAtMs }]) => (dueAtMs > nowMs ? [dueAtMs] : []))
    const tellAtMs = this.#tellAtMs()
    const telling = tellAtMs === null ? [] : [this.#isTelling ? nowMs + GRACE_MS : Math.max(tellAtMs, nowMs)]
    const eventsMs = this.#events.dueMs(nowMs)
    const times = [
      ...[...waiting, ...this.#running.values(), ...telling],
      ...(eventsMs === null ? [] : [eventsMs]),
    ]
    return times.length === 0 ? null : Math.min(...times)
  }
}
