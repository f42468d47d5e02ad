/**
 * Keeps a process that lives for long up to date: loads, then listens, or asks again every so often; after failures it tries
 * again, in ever longer pauses. Decides when; what is done is passed in.
 */
import { later, type Timer } from './background.ts'

export interface Pace {
  /** How often the edge is asked where nothing is listened to. Default 5 000. */
  readonly pollMs?: number
  /** Milliseconds since 1970. Default: the platform's clock. */
  readonly now?: () => number
  /** In [0, 1). Default: the platform's chance. */
  readonly random?: () => number
}

const MAX_PAUSE_MS = 60_000
/** A stream that held for so long was a good one: the next one is tried soon. */
const GOOD_STREAM_MS = 60_000
/** Of the clients of a change, so that they do not all ask in the same moment. */
const SPREAD_MS = 100

/** A pause after some failures, beside what the edge asked for. `random` in [0, 1). */
export const pauseMs = (failures: number, restMs: number, random: number): number =>
  restMs + Math.min(MAX_PAUSE_MS, 1_000 * 2 ** failures) * (0.5 + random / 2)

/** The interval to the next look, ±20 %, so that clients do not ask in step. `random` in [0, 1). */
export const nextMs = (pollMs: number, random: number): number => pollMs * (0.8 + 0.4 * random)

/**
 * Follows until `closing`. `load` asks once; it answers how long to leave the edge alone where that failed, else `undefined`. `listen`
 * listens until the stream ends, and answers how long to leave the edge alone then; `null`: there is no stream. It waits for what
 * it has told of each state. `isBehind`: whether what is held is older than a state. None of them rejects.
 */
export async function follow(
  load: () => Promise<number | undefined>,
  listen: ((hear: (state: string) => Promise<void>) => Promise<number>) | null,
  isBehind: (state: string) => boolean,
  closing: AbortSignal,
  { pollMs = 5_000, now = Date.now, random = Math.random }: Pace,
): Promise<void> {
  let failures = 0
  let timer: Timer | undefined
  closing.addEventListener('abort', () => clearTimeout(timer))

  /** Never settles once it is over. */
  const wait = (ms: number): Promise<void> =>
    new Promise((go) => {
      if (!closing.aborted) timer = later(go, ms)
    })

  /** Asks until what is held is as new as a state: another isolate of the edge may answer than the one that told, and be behind it. */
  async function catchUp(state: string): Promise<void> {
    for (;;) {
      const restMs = await load()
      if (restMs === undefined && !isBehind(state) && !closing.aborted) return
      await wait(pauseMs(failures++, restMs ?? 0, random()))
    }
  }

  for (;;) {
    await catchUp('')
    if (listen) {
      const openedAtMs = now()
      const restMs = await listen(async (state) => {
        if (!isBehind(state)) return
        failures = 0
        await wait(random() * SPREAD_MS)
        await catchUp(state)
      })
      if (now() - openedAtMs > GOOD_STREAM_MS) failures = 0
      await wait(pauseMs(failures++, restMs, random()))
    } else {
      failures = 0
      await wait(nextMs(pollMs, random()))
    }
  }
}
