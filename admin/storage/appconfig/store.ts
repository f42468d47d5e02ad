/** An environment's document in a profile of AWS AppConfig: freeform, or AppConfig's own feature flags. */
import type { AppConfigClient } from '@aws-sdk/client-appconfig'
import { type Budget, Calls } from '../aws/calls.ts'
import type { Timing } from '../aws/timing.ts'
import type { Memory } from '../open-store.ts'
import { answering, type FlagStore } from '../store.ts'
import { AppConfigApi } from './api.ts'
import { formatsWith } from './format.ts'
import { load } from './load.ts'
import { type Opened, typedMemory, type Work } from './opened.ts'
import { findPlace } from './place.ts'
import { save, type Writing } from './save.ts'
import type { DataPlane } from './session.ts'

const LOAD_BUDGET = { allMs: 20_000, silenceMs: 5_000 }
/** Somebody waits: an AWS that says nothing for three seconds is given up. */
const SAVE_BUDGET = { allMs: 15_000, silenceMs: 3_000 }

export interface AppConfigOptions {
  readonly place: string
  /** Name or id of a deployment strategy; `null`: Turnout's own. */
  readonly strategy: string | null
  /** Instead of what AppConfig says, where that is less. */
  readonly pollMs: number | null
  /** Context values in AWS's rules that are the targeting key. */
  readonly targetingKeys: readonly string[]
}

export function appConfigStore(
  client: AppConfigClient,
  plane: DataPlane,
  options: AppConfigOptions,
  memory: Memory,
  timing: Timing,
): FlagStore {
  const calls = new Calls(timing)
  const api = new AppConfigApi(client, options.strategy)
  const typed = typedMemory(memory)
  const formats = formatsWith(options.targetingKeys)
  let opened: Opened | null = null
  const begin = async (budget: Budget): Promise<[Opened, Work]> => {
    const work = { calls: calls.within(budget), timing }
    opened ??= { api, plane, memory: typed, place: await findPlace(client, work.calls, plane.names, formats) }
    return [opened, work]
  }
  const during = async <T>(work: () => Promise<T>) => {
    const result = await answering(work)
    // Where something is missing, it may be there under another id next time.
    if (!result.ok && result.error.reason === 'denied') opened = null
    return result
  }
  const write = (writing: Writing, expected: string) =>
    during(async () => {
      const [ready, work] = await begin(SAVE_BUDGET)
      return save(ready, work, expected, writing)
    })
  return {
    kind: 'appconfig',
    place: options.place,
    get pollAfterMs() {
      return Math.max(typed.read().session.intervalMs, options.pollMs ?? 0)
    },
    load: (known, pushed = false) =>
      during(async () => {
        const [ready, work] = await begin(LOAD_BUDGET)
        return load(ready, work, known, pushed)
      }),
    save: (document, expected) => write((format, held) => format.write(held, document), expected),
    saveKills: (kills, expected) => write((format, held) => format.writeKills(held, kills), expected),
  }
}
