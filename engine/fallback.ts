/** Which variant's origin is tried when one fails: the chain that a route and its origins write down. Pure. */
import type { Name, Origin, Route } from './document.ts'

/** The next of the chain: what the origin names; else, of those with a `priority`, the next one; else the route's. `null`: none. */
export function nextInChain(
  { origins, fallback }: Pick<Route, 'origins' | 'fallback'>,
  variant: Name,
): Name | null {
  const { fallback: named, priority } = origins[variant]!
  const next = named === undefined ? (nextByPriority(origins, variant, priority) ?? fallback) : named
  return next === variant ? null : next
}

/** Equal numbers follow each other by name. */
function nextByPriority(
  origins: Readonly<Record<Name, Origin>>,
  variant: Name,
  own: number | undefined,
): Name | undefined {
  if (own === undefined) return undefined
  return Object.entries(origins)
    .flatMap(([name, { priority }]) => (priority === undefined ? [] : [{ name, priority }]))
    .filter(({ name, priority }) => priority > own || (priority === own && name > variant))
    .sort((a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1))[0]?.name
}
