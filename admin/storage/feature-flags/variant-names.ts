/** Names of variants in AWS are any line of text; in Turnout they are keys. Pure. */
import { isKey } from '../../../engine/index.ts'

/** A name for each, in their order, no two alike: what Turnout does not allow becomes `-`, and a number tells twins apart. */
export function turnoutNames(names: readonly string[]): string[] {
  // Those that need no change keep their names, whatever the others become.
  const taken = new Set(names.filter((name, at) => isKey(name) && names.indexOf(name) === at))
  return names.map((name, at) => {
    if (isKey(name) && names.indexOf(name) === at) return name
    const base = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'variant'
    const free = base.slice(0, 120)
    let unique = free
    for (let next = 2; taken.has(unique); next += 1) unique = `${free}-${next}`
    taken.add(unique)
    return unique
  })
}
