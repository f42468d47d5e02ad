/** Where requests go while origins are killed: decisions stay, and take the route's chain of fallbacks. Pure. */
import { isOriginKilled, type Kill, type Name, nextInChain, type Route } from '../../engine/index.ts'

/** Variants whose requests go elsewhere under the kills `after` than under `before`, and not to `off`. */
export function diversions(
  route: Route,
  off: Name,
  before: readonly Kill[],
  after: readonly Kill[],
): { readonly from: Name; readonly to: Name }[] {
  return Object.keys(route.origins).flatMap((from) => {
    const to = destinationOf(route, from, after)
    return to === off || to === destinationOf(route, from, before) ? [] : [{ from, to }]
  })
}

/** As the edge chooses while all that is not killed is well. */
function destinationOf(route: Route, decided: Name, kills: readonly Kill[]): Name {
  const seen = new Set<Name>()
  for (let name: Name | null = decided; name !== null && !seen.has(name); name = nextInChain(route, name)) {
    if (isAlive(route, name, kills)) return name
    seen.add(name)
  }
  // Nothing is left to be asked: the last resort, killed or not.
  return nextInChain(route, decided) === null ? decided : route.fallback
}

function isAlive({ id, origins }: Route, variant: Name, kills: readonly Kill[]): boolean {
  const list = { epoch: 0, version: 0, kills }
  const { pool } = origins[variant]!
  const names = pool?.map(({ url }) => `${id}/${variant}/${url.slice(url.indexOf('://') + 3)}`)
  return (names ?? [`${id}/${variant}`]).some((name) => !isOriginKilled(list, name))
}
