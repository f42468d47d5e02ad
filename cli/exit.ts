/** Exit codes: what a script may rely on. */
export const EXIT = {
  /** Done, or nothing to do. */
  done: 0,
  /** Not done. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Done, but not at every location with traffic in time. */
  notLanded: 3,
  /** Asked for: it waits for the approval of others. */
  waiting: 4,
} as const
