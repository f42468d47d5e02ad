/** Publish check of names of variants that one flag gives of another. Pure. */
import { type Check, child, listed, type Path, show } from './check.ts'
import type { Key, Name } from './document.ts'

/** Flag key → names of its variants; `null` where the flag itself is invalid. */
export type Variants = ReadonlyMap<Key, ReadonlySet<Name> | null>

/** Notes every name that a flag does not have; none where the flag is invalid. */
export function checkNames(
  check: Check,
  path: Path,
  names: readonly Name[],
  key: Key,
  known: Variants,
): void {
  const variants = known.get(key)
  if (!variants) return
  for (const [index, name] of names.entries())
    if (!variants.has(name))
      check.error(child(path, index), `unknown variant ${show(name)}; flag ${key} has ${listed(variants)}`)
}
