/** An environment's document in SSM Parameter Store, one parameter each flag, segment and route. */
import type { SSMClient } from '@aws-sdk/client-ssm'
import type { FlagDocument, Kill } from '../../../engine/index.ts'
import { Calls } from '../aws/calls.ts'
import type { Timing } from '../aws/timing.ts'
import { answering, type FlagStore, type Revision } from '../store.ts'
import { ParameterApi } from './api.ts'
import { load } from './load.ts'
import { pathOf } from './names.ts'
import { MAX_BYTES } from './parameters.ts'
import { save, saveKills } from './save.ts'

/** Reading a thousand parameters takes ten seconds at ten calls a second; more than this, and AWS is too slow to poll. */
const LOAD_BUDGET = { allMs: 30_000, silenceMs: 5_000 }
/** Changes wait meanwhile. */
const KILLS_BUDGET = { allMs: 8_000, silenceMs: 3_000 }

export interface SsmOptions {
  readonly prefix: string
  readonly environment: string
  readonly place: string
  readonly tier: 'standard' | 'intelligent'
  readonly pollMs: number
}

export function ssmStore(client: SSMClient, options: SsmOptions, timing: Timing): FlagStore {
  const { prefix, environment, place, tier, pollMs } = options
  const path = pathOf(prefix, environment)
  const api = new ParameterApi(client, path, tier === 'intelligent')
  const calls = new Calls(timing)
  const maxBytes = tier === 'intelligent' ? MAX_BYTES.advanced : MAX_BYTES.standard
  const writing = { api, calls, timing, maxBytes }
  return {
    kind: 'ssm',
    place,
    pollAfterMs: pollMs,
    load: (known) => answering(() => load(api, calls.within(LOAD_BUDGET), timing, known)),
    save: (document: FlagDocument, expected: Revision) => answering(() => save(writing, document, expected)),
    saveKills: (kills: readonly Kill[], expected: Revision) =>
      answering(() =>
        saveKills({ ...writing, calls: calls.within(KILLS_BUDGET) }, JSON.stringify(kills), expected),
      ),
  }
}
