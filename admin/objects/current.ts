/**
 * The current version of an environment in memory: its document, and what it compiled to. Follows a change of one flag
 * without a look at the others, however many there are.
 */
import {
  type Compiled,
  type CompileIssue,
  encodeSnapshot,
  type Key,
  type Snapshot,
} from '../../engine/index.ts'
import { type Document, entityOf } from '../document.ts'
import { boundFlags } from '../governance/bonds.ts'
import { type Frame, frameOf } from '../storage/snapshots.ts'

interface At {
  readonly epoch: number
  readonly version: number
}

export class Current {
  #at: At
  #document: Document
  /** Flags that are not what they are in `#document` any more. */
  readonly #changed = new Map<Key, unknown>()
  readonly #compiled: CompiledInParts | null
  #bound: ReadonlySet<Key> | null = null

  /** `compiled`: `null` where the document was read, and not compiled. */
  constructor({ epoch, version }: At, document: Document, compiled: Compiled | null) {
    this.#at = { epoch, version }
    this.#document = document
    this.#compiled = compiled === null ? null : inParts(compiled)
  }

  is({ epoch, version }: At): boolean {
    return this.#at.epoch === epoch && this.#at.version === version
  }

  get document(): Document {
    if (this.#changed.size > 0) {
      const flags = { ...this.#document.flags, ...Object.fromEntries(this.#changed) }
      this.#document = { ...this.#document, flags: flags as Document['flags'] }
      this.#changed.clear()
    }
    return this.#document
  }

  get routes(): Document['routes'] {
    return this.#document.routes
  }

  /** Whether a migration binds the flag. Migrations change with a look at all others, so this stays. */
  isBound(key: Key): boolean {
    this.#bound ??= boundFlags(this.#document.flags)
    return this.#bound.has(key)
  }

  /** As written; `undefined`: there is none. */
  flag(key: Key): unknown {
    return this.#changed.has(key) ? this.#changed.get(key) : entityOf(this.#document, 'flag', key)
  }

  get compiled(): Readonly<CompiledInParts> | null {
    return this.#compiled
  }

  get snapshot(): Snapshot | null {
    if (this.#compiled === null) return null
    const { frame, lines } = this.#compiled
    return { ...frame, ...this.#at, flags: lines }
  }

  /** In wire form. */
  get snapshotText(): string | null {
    const { snapshot } = this
    return snapshot === null ? null : encodeSnapshot(snapshot)
  }

  /** One flag became another, which is so many bytes longer. */
  change({ epoch, version }: At, key: Key, flag: unknown, packed: string, grows: number): void {
    const compiled = this.#compiled
    if (compiled === null) throw new Error(`[current] version ${version} follows one that was not compiled`)
    this.#at = { epoch, version }
    this.#changed.set(key, flag)
    compiled.lines.set(key, packed)
    compiled.bytes += grows
  }

  /** The document stays; another frame is around its flags. */
  reframe({ epoch, version }: At, frame: Frame): void {
    this.#at = { epoch, version }
    if (this.#compiled !== null) this.#compiled.frame = frame
  }
}

interface CompiledInParts {
  frame: Frame
  readonly lines: Map<Key, string>
  readonly segments: ReadonlySet<Key>
  readonly warnings: readonly CompileIssue[]
  bytes: number
}

function inParts({ snapshot, warnings, bytes }: Compiled): CompiledInParts {
  const segments = new Set(Object.keys(snapshot.segments))
  return { frame: frameOf(snapshot), lines: new Map(snapshot.flags), segments, warnings, bytes }
}
