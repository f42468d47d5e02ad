/** Counts and hashes a backup while it is written, and closes it. */
import { createHash } from 'node:crypto'
import { closingLine } from './format.ts'

export class Seal {
  readonly #hash = createHash('sha256')
  #lines = 0

  /** Whole lines, or parts of them, as they are written. */
  add(part: Uint8Array | string): void {
    this.#hash.update(part)
    this.#lines += typeof part === 'string' ? linesIn(part) : linesOf(part)
  }

  /** The last line. Nothing may be added after it. */
  close(): string {
    return closingLine({ lines: this.#lines, sha256: this.#hash.digest('hex') })
  }
}

const linesIn = (text: string): number => text.split('\n').length - 1

function linesOf(bytes: Uint8Array): number {
  let lines = 0
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++
  return lines
}

const LINE_FEED = 0x0a
