/**
 * The place in AWS where an environment's document lives: its store, what was read there last, and when it is looked at next.
 * Another place is another store, of which nothing is known.
 */

import type { StorePlace } from '../storage/open-store.ts'
import { readState } from '../storage/state.ts'
import type { FlagStore, Revision } from '../storage/store.ts'
import {
  clearStore,
  readMemory,
  readRevision,
  readStoreState,
  readTrouble,
  readWarnings,
  type StoreState,
  writeMemory,
  writeStoreState,
} from '../storage/store-state.ts'
import type { StoreStatus } from './answers.ts'
import type { Room } from './room.ts'

/** Pushed looks are at least so far apart. */
const PUSH_GAP_MS = 1_000

export class PlacedStore {
  readonly #room: Room
  readonly #placeOf: (environment: string) => StorePlace | null
  #opened: { readonly place: string; readonly store: FlagStore } | null = null

  /** `placeOf`: `null` for an environment that is embedded, of which nothing here may be asked. */
  constructor(room: Room, placeOf: (environment: string) => StorePlace | null) {
    this.#room = room
    this.#placeOf = placeOf
  }

  open(environment: string): FlagStore {
    const { sql, ledger } = this.#room
    const { place, open } = this.#placed(environment)
    if (this.#opened?.place !== place) {
      const memory = {
        read: () => readMemory(sql),
        write: (text: string) => ledger.write(() => writeMemory(sql, text)),
      }
      this.#opened = { place, store: open(memory) }
    }
    return this.#opened.store
  }

  /** What was read or written last; `null`: nothing, or it was at another place. */
  revision(environment: string): Revision | null {
    const { sql } = this.#room
    const known = readStoreState(sql)
    return known?.place === this.#placed(environment).place ? readRevision(sql) : null
  }

  state(environment: string): StoreState {
    const { place } = this.#placed(environment)
    const known = readStoreState(this.#room.sql)
    if (known?.place === place) return known
    return { place, pollAtMs: 0, polledAtMs: 0, pushed: false, okAtMs: null, reported: false }
  }

  /** Inside the caller's transaction. */
  write(next: StoreState): void {
    const { sql } = this.#room
    const known = readStoreState(sql)
    if (known !== null && known.place !== next.place) clearStore(sql)
    writeStoreState(sql, next)
  }

  status(environment: string): StoreStatus {
    const { sql } = this.#room
    const { place, polledAtMs, okAtMs } = this.state(environment)
    const { kind } = this.#placed(environment)
    const known = { trouble: readTrouble(sql), warnings: readWarnings(sql) }
    return { kind, place, ...known, checkedAtMs: polledAtMs === 0 ? null : polledAtMs, okAtMs }
  }

  /** The next look is due in so many ms. */
  plan(afterMs: number): void {
    const { sql, ledger } = this.#room
    ledger.write((nowMs) => {
      const state = readState(sql)
      if (state === null) return
      const known = this.state(state.name)
      const pollAtMs = nowMs + afterMs
      // Pushed in the meantime: that look is not put off.
      this.write({ ...known, pollAtMs: known.pushed ? Math.min(known.pollAtMs, pollAtMs) : pollAtMs })
    })
  }

  /** Somebody says that there is something new. */
  lookSoon(environment: string, nowMs: number): void {
    const known = this.state(environment)
    const pollAtMs = Math.min(known.pollAtMs, Math.max(nowMs, known.polledAtMs + PUSH_GAP_MS))
    this.#room.ledger.write(() => this.write({ ...known, pollAtMs, pushed: true }))
  }

  #placed(environment: string): StorePlace {
    const placed = this.#placeOf(environment)
    if (placed === null) throw new Error(`[placed-store] ${environment} has no place in AWS`)
    return placed
  }
}
