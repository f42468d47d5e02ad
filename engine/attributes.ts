/**
 * Which attributes a flag can ever look at, prerequisites and segments included: what an edge must fill in before it asks.
 * Pure.
 */
import type { AttributePath, Key } from './document.ts'
import type { Prepared } from './prepare.ts'
import type { PackedCondition, PackedFlag } from './snapshot.ts'

export function attributesOf(prepared: Prepared, flagKey: Key): ReadonlySet<AttributePath> {
  const found = new Set<AttributePath>(['targetingKey'])
  const seen = new Set<string>()

  const condition = (packed: PackedCondition): void => {
    if (packed[0] === 'is') found.add(packed[2] as string)
    else if (packed[0] === 'segment') segment(packed[1] as Key)
    else for (const inner of packed.slice(1) as PackedCondition[]) condition(inner)
  }
  const segment = (key: Key): void => {
    const when = prepared.snapshot.segments[key]?.when
    if (seen.has(`segment:${key}`) || !when) return
    seen.add(`segment:${key}`)
    condition(when)
  }
  const flag = (key: Key): void => {
    const packed = seen.has(key) ? undefined : packedOf(prepared, key)
    seen.add(key)
    if (!packed) return
    if (packed.bucketBy) found.add(packed.bucketBy)
    for (const rule of packed.rules ?? []) if (rule.when) condition(rule.when)
    for (const [required] of packed.requires ?? []) flag(required)
  }
  flag(flagKey)
  return found
}

/** A flag whose text is damaged looks at nothing: its evaluation says what is wrong. */
function packedOf(prepared: Prepared, key: Key): PackedFlag | undefined {
  try {
    return prepared.flag(key)?.packed
  } catch {
    return undefined
  }
}
