/** The two ways a deployment ends badly, both meant for the operator's eyes: any other error is a bug. */

/** Why nothing is deployed, and what to do about it. */
export interface Refusal {
  /** One sentence that names the setting or the thing. */
  readonly problem: string
  /** What to do next: a command, or a line to write. */
  readonly next: string
  /** A plan can be made all the same: a dry run shows it before it says this. */
  readonly late?: true
}

/** Nothing was changed anywhere. Holds every reason that could be found at once. */
export class Refused extends Error {
  readonly refusals: readonly Refusal[]
  /** What that means, before the reasons. */
  readonly outcome: string

  constructor(refusals: readonly Refusal[], outcome = 'refused; nothing was deployed') {
    super(refusals.map(({ problem }) => problem).join('; '))
    this.refusals = refusals
    this.outcome = outcome
  }
}

/** A step began and did not end well. */
export class Failed extends Error {
  /** What is true now, a sentence each. */
  readonly state: readonly string[]
  readonly next: string

  constructor(message: string, state: readonly string[], next: string) {
    super(message)
    this.state = state
    this.next = next
  }
}

/** Throws `Refused` if there is any reason to. */
export function refuseIfAny(refusals: readonly Refusal[]): void {
  if (refusals.length > 0) throw new Refused(refusals)
}
