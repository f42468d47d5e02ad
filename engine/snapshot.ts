/**
 * The snapshot: what machines read. Compiled, validated, immutable; the only thing that crosses from control plane to
 * edge to SDK. Its wire form is one JSON header line, then one line a flag (`KEY<TAB>JSON`), so that a reader indexes
 * 10 000 flags without parsing any of them. Pure. Never throws.
 */
import type { JsonValue, Key, Name, Route } from './document.ts'
import type { PreviewAccess } from './preview.ts'
import { err, ok, type Result } from './result.ts'

/** Edges read formats N and N−1; the control plane publishes the lowest that its edges report. */
export const SNAPSHOT_FORMAT = 1

export interface Snapshot {
  readonly format: typeof SNAPSHOT_FORMAT
  readonly environment: string
  /** Minted when an environment is created and at every restore from backup. The larger `(epoch, version)` wins. */
  readonly epoch: number
  readonly version: number
  /** The last version that took traffic back: what edges keep of responses from before it is not used. Absent: none did. */
  readonly cacheEpoch?: number
  readonly access: Access
  readonly routes: readonly Route[]
  readonly segments: Readonly<Record<Key, PackedSegment>>
  /** Flag key → PackedFlag as JSON text, parsed when the flag is first asked for. */
  readonly flags: ReadonlyMap<Key, string>
}

/** Who may evaluate. `open` (local runs only): everybody, every flag. */
export interface Access {
  readonly open: boolean
  readonly keys: readonly AccessKey[]
  /** By what signed previews are believed. Absent: there never was one. */
  readonly previews?: PreviewAccess
}

export interface AccessKey {
  /** SHA-256 of the key's text, lower-case hex. */
  readonly hash: string
  /** `server` reads snapshots and every flag; `client` evaluates flags marked `client: true`. */
  readonly kind: 'client' | 'server'
}

/** A flag ready for `prepare`: names are indices, seeds and boundaries are computed. Absent fields mean the default. */
export interface PackedFlag {
  readonly enabled: boolean
  /** murmur3_32 of the salt. */
  readonly seed: number
  /** Variant names and values, index by index. Absent: `['on', 'off']`, `[true, false]`. */
  readonly names?: readonly Name[]
  readonly values?: readonly JsonValue[]
  /** Index of the off variant. */
  readonly off: number
  readonly bucketBy?: string
  readonly requires?: readonly (readonly [Key, readonly Name[]])[]
  readonly rules?: readonly PackedRule[]
  readonly fallthrough: PackedServe
  readonly tags?: readonly string[]
  readonly client?: true
  readonly metadata?: Readonly<Record<string, string | number | boolean>>
  /** Declared with a fraction (`1.0`, `0.5`): answered over OFREP as a float. */
  readonly float?: true
}

export interface PackedRule {
  readonly id: string
  readonly when?: PackedCondition
  /** Boundary in [0, 2^32]: the rule holds for hashes below it. Absent: everyone. */
  readonly below?: number
  readonly serve: PackedServe
}

/** Index of a variant, or `[index, weight, seed]` a variant, weights > 0, in code-unit order of the names. */
export type PackedServe = number | readonly (readonly [index: number, weight: number, seed: number])[]

export type PackedCondition =
  | readonly ['all' | 'any', ...PackedCondition[]]
  | readonly ['not', PackedCondition]
  | readonly ['segment', Key]
  | readonly ['is', operator: string, attribute: string, operand: JsonValue]

export interface PackedSegment {
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly when?: PackedCondition
}

export interface SnapshotError {
  reason: 'malformed' | 'unknown-format'
  message: string
}

/** Writes the wire form. Flag keys hold no tab or line feed (compile refuses them); JSON text never does. */
export function encodeSnapshot(snapshot: Snapshot): string {
  const { flags, ...header } = snapshot
  let lines = ''
  for (const [key, flag] of flags) lines += `\n${key}\t${flag}`
  return JSON.stringify({ ...header, length: lines.length }) + lines
}

/** Reads the wire form; one pass over the text, no flag is parsed. */
export function decodeSnapshot(text: string): Result<Snapshot, SnapshotError> {
  const end = text.indexOf('\n')
  try {
    const { length, ...header } = (JSON.parse(end < 0 ? text : text.slice(0, end)) ?? {}) as Header
    const { format, environment, epoch, version, access, routes, segments } = header
    if (format !== SNAPSHOT_FORMAT)
      return err({ reason: 'unknown-format', message: `snapshot format ${format} is not known` })
    const numbers = [epoch, version].every(Number.isInteger)
    if (!environment || !numbers || !access || !segments || !Array.isArray(routes))
      throw new Error('it lacks a field')
    // A text that was cut short would otherwise pass for a smaller snapshot.
    if ((end < 0 ? 0 : text.length - end) !== length) throw new Error('it was cut')
    const flags = new Map<Key, string>()
    for (let at = end; at >= 0; ) {
      const tab = text.indexOf('\t', at)
      const next = text.indexOf('\n', at + 1)
      const stop = next < 0 ? text.length : next
      if (tab < 0 || tab >= stop) throw new Error(`it lacks a key at ${at + 1}`)
      flags.set(text.slice(at + 1, tab), text.slice(tab + 1, stop))
      at = next
    }
    return ok({ ...header, flags })
  } catch (cause) {
    return err({ reason: 'malformed', message: `snapshot is damaged: ${(cause as Error).message}` })
  }
}

type Header = Omit<Snapshot, 'flags'> & { readonly length: number }
