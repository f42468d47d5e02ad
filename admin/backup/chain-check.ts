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
    const problem = misfit(entry, this.#head, this.#environment) ?? unreadable(entry.text)
    this.#head = { seq: this.#head.seq + 1, hash: entry.hash }
    return problem
  }
}

/** What every entry says, in fields of its own. */
const SAID = ['at', 'action', 'subject', 'actor']

function unreadable(text: string): string | null {
  const entry = JSON.parse(text)
  const missing = SAID.filter((name) => typeof entry[name] !== 'string')
  if (missing.length > 0) return `its text lacks ${missing.join(', ')}`
  return Number.isNaN(Date.parse(entry.at)) ? 'its text says no time in `at`' : null
}
