/** What the AWS stores need of time and chance; tests bring their own. */
export interface Timing {
  /** ms since 1970 */
  nowMs(): number
  wait(ms: number): Promise<void>
  /** 0 ≤ x < 1 */
  random(): number
}

export const REAL_TIME: Timing = {
  nowMs: () => Date.now(),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  random: () => Math.random(),
}
