/**
 * Where an edge reads: the control plane over its binding (through this location's cache where there is one), and the
 * copies that a cold isolate falls back to.
 */
import {
  type ControlRpc,
  decodeLastKnownGood,
  type KillList,
  type Known,
  lastKnownGoodKey,
  type Update,
} from '../engine/index.ts'
import type { Config, Env } from './env.ts'
import type { Copy, Reading, Sources } from './snapshots.ts'

/** A location's isolates share a read this long. */
const SHARED_READ_MS = 250
const KEEP_SECONDS = 7 * 24 * 3600

/** What the location's cache holds of a read: everything, so that any isolate can start from it. */
interface SharedRead {
  readAtMs: number
  update: Update
  kills: KillList
}

/** `host`: the edge's own host name, as cache keys must be under it. */
export function openSources(env: Env, config: Config, host: string): Sources {
  const control = env.CONTROL ? disposing(env.CONTROL) : noControl
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
  if (!config.locationCache) return { control, copies: [lastKnownGood] }
  const shared = new LocationCache(`https://${host}/.turnout/cache/${encodeURIComponent(config.environment)}`)
  return {
    control: {
      read: (known) => sharedRead(shared, control, known),
      snapshot: (epoch, version) => sharedBody(shared, control, epoch, version),
    },
    copies: [() => sharedCopy(shared), lastKnownGood],
    remember: (known) => shared.put('read', JSON.stringify(known), KEEP_SECONDS),
  }
}

const noControl: ControlRpc = {
  read: () => Promise.reject(new Error('no CONTROL binding')),
  snapshot: () => Promise.reject(new Error('no CONTROL binding')),
}

/** RPC results hold resources on the other side until they are disposed. */
function disposing(binding: ControlRpc): ControlRpc {
  return {
    read: async (known) => {
      const update = (await binding.read(known)) as Update & Partial<Disposable>
      try {
        const { environment, epoch, snapshot, kills } = update
        return { environment, epoch, snapshot, kills }
      } finally {
        update[Symbol.dispose]?.()
      }
    },
    snapshot: (epoch, version) => binding.snapshot(epoch, version),
  }
}

async function sharedRead(shared: LocationCache, control: ControlRpc, known: Known): Promise<Reading> {
  const held = await readShared(shared)
  if (held && Date.now() - held.readAtMs <= SHARED_READ_MS) {
    return { ...held.update, kills: held.kills, readAtMs: held.readAtMs }
  }
  return control.read(known)
}

async function sharedBody(
  shared: LocationCache,
  control: ControlRpc,
  epoch: number,
  version: number,
): Promise<string> {
  const name = `snapshot/${epoch}/${version}`
  const held = await shared.get(name)
  if (held !== null) return held
  const body = await control.snapshot(epoch, version)
  await shared.put(name, body, KEEP_SECONDS)
  return body
}

async function sharedCopy(shared: LocationCache): Promise<Copy | null> {
  const held = await readShared(shared)
  const snapshot = held && (await shared.get(`snapshot/${held.update.epoch}/${held.update.snapshot}`))
  return held && snapshot
    ? { from: 'location-cache', readAtMs: held.readAtMs, kills: held.kills, snapshot }
    : null
}

async function readShared(shared: LocationCache): Promise<SharedRead | null> {
  const text = await shared.get('read')
  return text === null ? null : (JSON.parse(text) as SharedRead)
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
