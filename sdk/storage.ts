/**
 * Copies of the snapshot outside of the process, so that a start does not depend on the edge. A copy is used only where it is whole,
 * and of the same edge and key.
 */
import { murmur3 } from '../engine/hash.ts'
import { later, type Timer } from './background.ts'
import type { SnapshotStorage } from './local.ts'

export type { SnapshotStorage } from './local.ts'

/** Keeps one text: what was written last is what is read; nothing where there is nothing. May throw and reject. */
export interface TextStorage {
  read(): string | null | undefined | Promise<string | null | undefined>
  write(text: string): unknown
}

/** A storage that hangs is one that fails. */
export const STORAGE_LIMIT_MS = 5_000

/** Makes a storage of any two functions. Where they fail, it warns once, and the client does without. */
export function storage(kept: TextStorage): SnapshotStorage {
  let isFailing = false

  async function attempt<T>(what: string, work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      const result = await within(STORAGE_LIMIT_MS, work)
      isFailing = false
      return result
    } catch (cause) {
      if (!isFailing) console.warn(`turnout: ${what}:`, cause)
      isFailing = true
      return undefined
    }
  }

  return {
    read: ({ url, key }) =>
      attempt('the kept snapshot cannot be used', async () => {
        const all = await kept.read()
        if (!all) return undefined
        const text = all.slice(all.indexOf('\n') + 1)
        if (all !== sealed(url + key, text)) throw new Error('it is damaged, or of another edge or key')
        return text
      }),
    write: ({ url, key }, text) =>
      attempt('the snapshot cannot be kept', async () => {
        await kept.write(sealed(url + key, text))
      }),
  }
}

/** The first line is a hash of whose it is and all the rest: nothing that could open anything. */
const sealed = (whose: string, text: string): string => `${murmur3(whose + text, 0)}\n${text}`

async function within<T>(limitMs: number, work: () => T | Promise<T>): Promise<T> {
  let timer: Timer | undefined
  const late = new Promise<never>((_, fail) => {
    timer = later(() => fail(new Error(`no answer within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
