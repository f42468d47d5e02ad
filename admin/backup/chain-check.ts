/** Follows the audit log of one object through a backup: every hash computed anew. Pure. */
import { EMPTY_CHAIN, type Head, misfit, type SealedEntry } from '../audit/chain.ts'

export class ChainCheck {
  readonly #environment: string | null
  #head: Head = EMPTY_CHAIN

  /** `environment`: whose log it is; `null`: the control plane's own. */
  constructor(environment: string | null) {
    this.#environment = environment
  }

  /** Where it ends so far. */
  get head(): Head {
    return this.#head
  }

  /** Why the entry is not the next one, or `null`. The rest is then compared with what this entry claims to be. */
  add(entry: SealedEntry): string | null {
    const problem = misfit(entry, this.#head, this.#environment)
    this.#head = { seq: this.#head.seq + 1, hash: entry.hash }
    return problem
  }
}
