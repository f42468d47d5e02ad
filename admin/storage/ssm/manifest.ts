/**
 * The parameter that guards a change of several others: `pending` while they are written, `done` afterwards, with the
 * version that each then has (0: deleted). Readers never take half of a change. Pure.
 */
import { isObject } from '../../../engine/check.ts'
import { MANIFEST } from './names.ts'
import { MAX_BYTES } from './parameters.ts'

export interface Manifest {
  /** Random: names the change. */
  readonly revision: string
  readonly state: 'pending' | 'done'
  /** By name below the environment's path; `null`: so many that they do not fit, any may be among them. */
  readonly versions: Readonly<Record<string, number>> | null
}

export function manifestText(manifest: Manifest): string {
  const text = JSON.stringify(manifest)
  return new TextEncoder().encode(text).length <= MAX_BYTES.standard
    ? text
    : JSON.stringify({ ...manifest, versions: null })
}

/** `null`: it is none. */
export function readManifest(text: string): Manifest | null {
  try {
    const value: unknown = JSON.parse(text)
    if (!isObject(value) || (value.state !== 'pending' && value.state !== 'done')) return null
    const versions = isObject(value.versions) ? (value.versions as Record<string, number>) : null
    return { revision: String(value.revision), state: value.state, versions }
  } catch {
    return null
  }
}

/** As much of a parameter as readers of the manifest need. */
export interface Seen {
  readonly version: number
  readonly modifiedMs: number
}

/** Whether a reading that holds this `done` manifest has seen a parameter as it was before the change. */
export function isTorn({ versions }: Manifest, seen: ReadonlyMap<string, Seen>): boolean {
  const doneMs = seen.get(MANIFEST)?.modifiedMs ?? 0
  return Object.entries(versions ?? {}).some(([name, version]) => {
    const found = seen.get(name)
    // Deleted since, or made anew since: both are changes of somebody else.
    if (found === undefined || found.modifiedMs > doneMs) return false
    return version === 0 || found.version < version
  })
}
