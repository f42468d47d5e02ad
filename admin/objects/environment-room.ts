/** What one environment's object works in: its storage, what publishes, what is due, and its store in AWS. Each part is said once. */
import { DurableObject } from 'cloudflare:workers'
import { type Env, parseConfig } from '../env.ts'
import { REAL_TIME } from '../storage/aws/timing.ts'
import { nextExpiryMs } from '../storage/kills.ts'
import { placeInAws } from '../storage/open-store.ts'
import { nextScheduleMs } from '../storage/schedules.ts'
import type { State } from '../storage/state.ts'
import { type Described, describe } from './answers.ts'
import { nextDrillMs } from './drilling.ts'
import { copyLastKnownGood, planHealthChecks, reportToDirectory } from './effects.ts'
import { GroupCommit } from './group-commit.ts'
import { handOver } from './hand-over.ts'
import { Ledger } from './ledger.ts'
import { ENVIRONMENT_MIGRATIONS, migrate } from './migrations.ts'
import { PROJECT_NAME, WEBHOOKS_NAME } from './names.ts'
import { Outbox } from './outbox.ts'
import { Publisher } from './publisher.ts'
import type { Room } from './room.ts'
import { StoreSync } from './store-sync.ts'

export abstract class EnvironmentRoom extends DurableObject<Env> {
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

  #nextScheduleMs(): number | null {
    const dueMs = nextScheduleMs(this.room.sql)
    return dueMs === null ? null : Math.max(dueMs, this.schedulesRestUntilMs)
  }
}
