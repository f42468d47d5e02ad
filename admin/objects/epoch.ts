/**
 * Epochs order what edges have seen across losses of this storage: a caller that knows more than is stored here proves
 * that storage went back in time, and everything is then published again in an epoch above it. Pure.
 */
import { isNewer, type Known } from '../../engine/index.ts'
import type { State } from '../storage/state.ts'

/** Above any epoch that seconds or raises can reach; a caller that knows more is broken. */
const LIMIT = 2 ** 48

/** Epoch of a new environment, above that of an earlier one of its name. Seconds since 1970, so it always grows. */
export const mintEpoch = (nowMs: number, earlier: number): number =>
  Math.max(Math.floor(nowMs / 1000), earlier + 1)

/** Whether a caller holds something newer than this storage. */
export const isAhead = ({ held, ...known }: Known, { epoch, version, kills }: State): boolean =>
  known.epoch > epoch ||
  (known.epoch === epoch && (known.snapshot > version || known.kills > kills)) ||
  (held !== undefined && isNewer(held.epoch, held.version, epoch, kills))

export const isPossible = ({ epoch, snapshot, kills, held }: Known): boolean =>
  [epoch, snapshot, kills, held?.epoch ?? 0, held?.version ?? 0].every(
    (n) => Number.isSafeInteger(n) && n >= 0 && n < LIMIT,
  )

/** Where to publish from, so that all that follows is newer than what the caller holds. */
export const raisedAbove = ({ held, ...known }: Known, state: State): State => ({
  ...state,
  epoch: Math.max(state.epoch, known.epoch, held?.epoch ?? 0) + 1,
  version: Math.max(state.version, known.snapshot),
  kills: Math.max(state.kills, known.kills, held?.version ?? 0) + 1,
})
