/** What a client was told to ask for anew, maybe by another isolate of this edge, which is ahead of this one. Pure. */
import { isNewer, type Known } from '../engine/index.ts'

const STATE = /^"?(\d{1,15})-(\d{1,15})-(\d{1,15})"?$/

/** The state in `flagConfigEtag`, as OFREP's clients send back what an event of the stream said; `null`: there is none. */
export function toldState(text: string | null): Known | null {
  const parts = text === null ? null : STATE.exec(text)
  if (parts === null) return null
  const [epoch, snapshot, kills] = parts.slice(1).map(Number) as [number, number, number]
  return { epoch, snapshot, kills }
}

export const isBehind = (held: Known, told: Known): boolean =>
  isNewer(told.epoch, told.snapshot, held.epoch, held.snapshot) ||
  (told.epoch === held.epoch && told.kills > held.kills)
