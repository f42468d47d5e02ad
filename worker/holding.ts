/**
 * What an isolate holds to decide by: snapshot and kills, how old they are, and what the control plane has named that is not
 * here yet. Versions only grow. Nothing in here reads or waits.
 */
import {
  isNewer,
  type KillList,
  type Known,
  NO_KILLS,
  type Prepared,
  prepare,
  type Snapshot,
  type Update,
} from '../engine/index.ts'
import { decodeSnapshot } from '../engine/snapshot.ts'

/** A copy from somewhere else than the control plane: this location's cache, or last-known-good. */
export interface Copy {
  readonly from: 'location-cache' | 'last-known-good'
  readonly readAtMs: number
  readonly kills: KillList
  readonly snapshot: string
}

/** An answer of the control plane; `readAtMs` where this location's cache gave it: when the control plane did. */
export type Reading = Update & { readonly readAtMs?: number }

/** What was newest at a time, ms since 1970. */
export interface Named {
  readonly update: Reading
  readonly atMs: number
}

export class Holding {
  prepared: Prepared | null = null
  kills: KillList = NO_KILLS
  source: 'none' | 'control-plane' | Copy['from'] = 'none'
  /** When the control plane last answered, ms since 1970. */
  readAtMs = Number.NEGATIVE_INFINITY
  /** When the snapshot was last known to be the newest: an answer that names a newer one does not make it any younger. */
  currentAtMs = Number.NEGATIVE_INFINITY
  /** By the last answer. */
  named: Named | null = null

  /** What was named and is newer than what is here; `null`: nothing. */
  get missing(): Named | null {
    const { named } = this
    return named !== null && this.#lacks(named.update) ? named : null
  }

  /** Versions that a request is answered with now. */
  get known(): Known {
    const { epoch, version } = this.prepared?.snapshot ?? { epoch: 0, version: 0 }
    // Versions count within an epoch: a list of another one is as good as none.
    return { epoch, snapshot: version, kills: this.kills.epoch === epoch ? this.kills.version : 0 }
  }

  /** With the kills at hand, whatever epoch they are of: none is lost if the control plane has lost its storage. */
  get asked(): Known {
    return this.kills.kills.length === 0 ? this.known : { ...this.known, held: this.kills }
  }

  /** The control plane has answered. Kills count at once: a large snapshot never delays one. */
  told(update: Reading, atMs: number): void {
    if (update.kills !== null) this.#kill(update.kills)
    this.readAtMs = Math.max(this.readAtMs, atMs)
    this.named = { update, atMs }
    this.#age()
  }

  /**
   * Takes over the body of what was named, or of a newer version that was given in its place; answers which it is. Throws if it
   * cannot be read, or is of an older version.
   */
  install(text: string, { update, atMs }: Named): Pick<Update, 'epoch' | 'snapshot'> {
    const { epoch, version } = this.#take(text)
    if (this.#lacks(update)) throw new Error('an older one was given')
    this.currentAtMs = Math.max(this.currentAtMs, atMs)
    this.#age()
    return { epoch, snapshot: version }
  }

  /** A copy is used only while there is nothing better; the kills of a newer list stay. Throws if it cannot be read. */
  adopt(copy: Copy): void {
    this.#kill(copy.kills)
    this.#take(copy.snapshot)
    this.source = copy.from
    this.readAtMs = Math.max(this.readAtMs, copy.readAtMs)
    this.currentAtMs = Math.max(this.currentAtMs, copy.readAtMs)
    this.#age()
  }

  #lacks({ epoch, snapshot }: Update): boolean {
    const held = this.prepared?.snapshot
    return held === undefined || isNewer(epoch, snapshot, held.epoch, held.version)
  }

  #age(): void {
    if (this.named !== null && this.missing === null)
      this.currentAtMs = Math.max(this.currentAtMs, this.named.atMs)
  }

  #kill(kills: KillList): void {
    if (!isNewer(kills.epoch, kills.version, this.kills.epoch, this.kills.version)) return
    this.kills = kills
    if (this.prepared) this.prepared = prepare(this.prepared.snapshot, kills)
  }

  #take(text: string): Snapshot {
    const decoded = decodeSnapshot(text)
    if (!decoded.ok) throw new Error(decoded.error.message)
    const held = this.prepared?.snapshot
    const { epoch, version } = decoded.value
    if (!held || isNewer(epoch, version, held.epoch, held.version))
      this.prepared = prepare(decoded.value, this.kills)
    return decoded.value
  }
}
