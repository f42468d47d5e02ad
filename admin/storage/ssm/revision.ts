/**
 * What is known of an environment's parameters: of each its version and what it says. Comparing two of them tells what
 * somebody has changed, and what a save has to write. Pure.
 */
import { contentHash } from '../content-hash.ts'
import type { Revision } from '../store.ts'
import { join, split } from './parameters.ts'

/** Version, and hash of what Turnout itself would write for the same content. */
export type Mark = readonly [version: number, hash: string]
export type Marks = ReadonlyMap<string, Mark>

const NO_MARKS: Marks = new Map()

export const encodeMarks = (marks: Marks): Revision =>
  JSON.stringify(Object.fromEntries([...marks].sort(([a], [b]) => (a < b ? -1 : 1))))

/** `null`, or what another store has written: nothing is known. */
export function decodeMarks(revision: Revision | null): Marks {
  if (revision === null || !revision.startsWith('{')) return NO_MARKS
  return new Map(Object.entries(JSON.parse(revision) as Record<string, Mark>))
}

/** Enough to tell two values of one parameter apart. */
export const hashOf = (text: string): string => contentHash(text).slice(0, 16)

/**
 * Of a parameter as it was found. Its version alone would not do: one that is deleted and made again begins at 1. White
 * space, and an `id` that a route leaves out, make no other content.
 */
export const markOf = (name: string, { version, value }: { version: number; value: string }): Mark => [
  version,
  hashOf(split(join(new Map([[name, value]])).document).get(name) ?? value),
]
