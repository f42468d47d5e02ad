/**
 * How far another machine's clock is from ours, from messages that carry their time of sending (Cristian's algorithm). A
 * message is received after it was sent, by at most the round trip; the quickest of the last few messages says most. Pure.
 */

/** How many messages are looked at: enough to find a quick one, few enough to follow a clock that is corrected. */
const REMEMBERED = 8

export class ClockSkew {
  #delays: number[] = []
  #roundTrips: number[] = []

  /** A message; `roundTripMs`: of an earlier one, `undefined`: not known yet. */
  add(sentAtMs: number, receivedAtMs: number, roundTripMs: number | undefined): void {
    this.#delays = [...this.#delays, receivedAtMs - sentAtMs].slice(-REMEMBERED)
    if (roundTripMs !== undefined) this.#roundTrips = [...this.#roundTrips, roundTripMs].slice(-REMEMBERED)
  }

  /**
   * What to add to the other clock's times to have ours, in ms. 0 as long as the difference may be the time that messages
   * take: right to within half a round trip.
   */
  get ms(): number {
    const delay = Math.min(...this.#delays)
    const roundTrip = Math.min(...this.#roundTrips)
    // Received before it was sent: that much is certain, however long messages take.
    if (!Number.isFinite(roundTrip)) return Math.min(delay, 0)
    const skew = delay - roundTrip / 2
    return Math.abs(skew) <= roundTrip / 2 ? 0 : Math.round(skew)
  }
}
