/** The flags of an AppConfig feature-flag profile, as Turnout reads one that it serves from: docs/appconfig-feature-flags.md. Pure. */
import { readProfile } from '../../../admin/storage/feature-flags/read.ts'
import { splittingFlags } from '../../../admin/storage/feature-flags/splits.ts'
import { parsedDocument } from './document.ts'
import type { Reading } from './source.ts'

/** `targetingKeys`: context values of its rules that are the targeting key. Throws `Failure` if the bytes are not JSON. */
export function readFeatureFlags(
  bytes: Uint8Array,
  origin: string,
  targetingKeys: readonly string[],
): Reading {
  const content = parsedDocument(bytes, origin)
  const read = readProfile(content, targetingKeys)
  if (!read.ok) return { origin, entries: [], findings: read.error, notes: [] }
  const { document, kills } = read.value
  const split = splittingFlags(content)
  return {
    ...{ origin, findings: [] },
    entries: Object.entries(document.flags).map(([key, value]) => ({ key, value })),
    notes: [
      ...leftOut('segments', Object.keys(document.segments ?? {})),
      ...leftOut('routes', document.routes ?? []),
      ...leftOut('kills', kills),
      ...(split.length === 0
        ? []
        : [`users change sides once in ${split.join(', ')}: AWS does not publish the hash of its splits`]),
    ],
  }
}

const leftOut = (name: string, parts: readonly unknown[]): string[] =>
  parts.length === 0 ? [] : [`its ${name} (${parts.length}) are left out: import brings flags only`]
