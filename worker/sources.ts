/**
 * Where an edge reads: the control plane over its binding (through this location's cache where there is one), and the
 * copies that a cold isolate falls back to.
 */
import {
  type ControlRpc,
  decodeLastKnownGood,
  decodeSnapshot,
  type KillList,
  type Known,
  lastKnownGoodKey,
  type Recorded,
  type Update,
} from '../engine/index.ts'
import type { Config, Env } from './env.ts'
import type { Copy, Reading } from './holding.ts'
import type { Reporter } from './metrics.ts'
import type { Sources } from './refresher.ts'
import { reporting } from './report.ts'
import type { Upstreams } from './upstream.ts'

/** A location's isolates share a read this long. */
const SHARED_READ_MS = 250
const KEEP_SECONDS = 7 * 24 * 3600

/** What the location's cache holds of a read: everything, so that any isolate can start from it. */
interface SharedRead {
  readAtMs: number
  update: Update
  kills: KillList
}

/** In every cache key: an edge never reads what another version of this file wrote in another shape. */
const SHAPE = 1

/** `host`: the edge's own host name, as cache keys must be under it. */
export function openSources(
  env: Env,
  config: Config,
  host: string,
  reporter: Reporter,
  upstreams: Pick<Upstreams, 'checked'>,
): Sources {
  const control = env.CONTROL ? disposing(env.CONTROL) : noControl
  const heard = async (reading: Promise<Reading>): Promise<Reading> => {
    const { unhealthy } = await reading
    if (unhealthy) upstreams.checked(unhealthy, Date.now())
    return reading
  }
  const report = env.CONTROL ? { report: reporting(control, reporter) } : {}
  const lastKnownGood = async (): Promise<Copy | null> => {
    const text = (await env.LAST_KNOWN_GOOD?.get(lastKnownGoodKey(config.environment))) ?? null
    if (text === null) return null
    const copy = decodeLastKnownGood(text)
    if (!copy.ok) throw new Error(copy.error)
    return {
      from: 'last-known-good',
      readAtMs: copy.value.writtenAtMs,
      kills: copy.value.kills,
      snapshot: copy.value.snapshot,
    }
  }
  if (!config.locationCache) {
    const read = (known: Known) => heard(control.read(known))
    return { control: { ...control, read }, copies: [lastKnownGood], ...report }
  }
  const shared = new LocationCache(
    `https://${host}/.turnout/cache/${SHAPE}/${encodeURIComponent(config.environment)}`,
  )
  return {
    control: {
      read: (known) => heard(sharedRead(shared, control, known)),
      snapshot: (epoch, version) => sharedBody(shared, control, epoch, version),
    },
    copies: [() => sharedCopy(shared), lastKnownGood],
    ...report,
    remember: async ({ body, ...read }) => {
      if (body !== null) await shared.put(bodyName(read.update), body, KEEP_SECONDS)
      await shared.put('read', JSON.stringify(read satisfies SharedRead), KEEP_SECONDS)
    },
  }
}

const unbound = (): Promise<never> => Promise.reject(new Error('no CONTROL binding'))
const noControl: ControlRpc = { read: unbound, snapshot: unbound, record: unbound }

/** RPC results hold resources on the other side until they are disposed. */
function disposing(binding: ControlRpc): ControlRpc {
  return {
    read: async (known) => {
      const update = (await binding.read(known)) as Update & Partial<Disposable>
      try {
        const { environment, epoch, snapshot, kills, unhealthy } = update
        const read = { environment, epoch, snapshot, kills }
        return unhealthy === undefined ? read : { ...read, unhealthy: { ...unhealthy } }
      } finally {
        update[Symbol.dispose]?.()
      }
    },
    snapshot: (epoch, version) => binding.snapshot(epoch, version),
    record: async (batch) => {
      const answer = (await binding.record(batch)) as Recorded & Partial<Disposable>
      try {
        const { flushMs, broken } = answer
        return broken === undefined ? { flushMs } : { flushMs, broken: { ...broken } }
      } finally {
        answer[Symbol.dispose]?.()
      }
    },
  }
}

const bodyName = ({ epoch, snapshot }: Pick<Update, 'epoch' | 'snapshot'>): string =>
  `snapshot/${epoch}/${snapshot}`

async function sharedRead(shared: LocationCache, control: ControlRpc, known: Known): Promise<Reading> {
  const held = await readShared(shared)
  // Kills of another epoch are for the control plane itself to hear of, before they are replaced here.
  const knows = known.held === undefined || known.held.epoch === held?.kills.epoch
  if (held && knows && Date.now() - held.readAtMs <= SHARED_READ_MS) {
    return { ...held.update, kills: held.kills, readAtMs: held.readAtMs }
  }
  return control.read(known)
}

/** A cached body counts only if it is whole. */
async function sharedBody(
  shared: LocationCache,
  control: ControlRpc,
  epoch: number,
  version: number,
): Promise<string> {
  const held = await shared.get(bodyName({ epoch, snapshot: version }))
  return held !== null && decodeSnapshot(held).ok ? held : control.snapshot(epoch, version)
}

async function sharedCopy(shared: LocationCache): Promise<Copy | null> {
  const held = await readShared(shared)
  const snapshot = held && (await shared.get(bodyName(held.update)))
  return held && snapshot
    ? { from: 'location-cache', readAtMs: held.readAtMs, kills: held.kills, snapshot }
    : null
}

/** The cached read; `null` if there is none, it is damaged, or it claims to be from the future of this machine's clock. */
async function readShared(shared: LocationCache): Promise<SharedRead | null> {
  const text = await shared.get('read')
  if (text === null) return null
  try {
    const { readAtMs, update, kills } = JSON.parse(text) as SharedRead
    const whole =
      Number.isInteger(update.epoch) && Number.isInteger(update.snapshot) && Array.isArray(kills.kills)
    return whole && readAtMs <= Date.now() ? { readAtMs, update, kills } : null
  } catch {
    // Damaged: as good as nothing, and soon overwritten.
    return null
  }
}

/**
 * The location's Cache API, by name. It is an optimisation: a cache that fails is a cache that has nothing, and
 * requests never reach these keys, because the edge answers everything under `/.turnout/` itself.
 */
class LocationCache {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  async get(name: string): Promise<string | null> {
    try {
      const response = await caches.default.match(`${this.#prefix}/${name}`)
      return response ? await response.text() : null
    } catch {
      return null
    }
  }

  async put(name: string, text: string, maxAgeSeconds: number): Promise<void> {
    try {
      const headers = { 'cache-control': `public, max-age=${maxAgeSeconds}`, 'content-type': 'text/plain' }
      await caches.default.put(`${this.#prefix}/${name}`, new Response(text, { headers }))
    } catch {
      // Said above: nothing depends on it.
    }
  }
}
