/** Which variants a flag can serve, whoever asks, under the snapshot and kills at hand. Pure. */
import type { Key, Name } from './document.ts'
import { killOfRoute } from './kills.ts'
import { EVERYONE, type Prepared, type PreparedFlag, type PreparedServe } from './prepare.ts'

/**
 * At a route; `overrides`: variants that its header overrides name. May name one too many, never one too few, but for
 * signed overrides. Empty where there is no such flag, or its text is damaged.
 */
export function variantsOf(
  prepared: Prepared,
  key: Key,
  route: string,
  overrides: Iterable<Name>,
): ReadonlySet<Name> {
  const flag = flagOf(prepared, key)
  if (flag === null) return new Set()
  const kill = killOfRoute(prepared.kills, route)
  const fixed = kill ? flag.kill(kill) : (flag.killed ?? flag.settled)
  if (fixed !== null) return new Set([fixed.variant!])
  const found = new Set<Name>()
  for (const name of overrides) if (flag.names.includes(name)) found.add(name)
  const serves = ({ decision, arms }: PreparedServe): void => {
    if (decision !== null) found.add(decision.variant!)
    for (const arm of arms ?? []) found.add(arm.decision.variant!)
  }
  for (const rule of flag.rules) {
    if (rule.below > 0) serves(rule)
    if (rule.when === null && rule.below === EVERYONE && rule.decision !== null)
      return withOff(flag, found, false)
  }
  serves(flag.fallthrough)
  return withOff(flag, found, flag.fallthrough.arms !== null)
}

/** With what is served where a prerequisite does not hold, and where the fallthrough's weights find nobody to weigh. */
function withOff({ requires, names, packed }: PreparedFlag, found: Set<Name>, weighs: boolean): Set<Name> {
  if (requires !== null || weighs) found.add(names[packed.off]!)
  return found
}

function flagOf(prepared: Prepared, key: Key): PreparedFlag | null {
  try {
    return prepared.flag(key) ?? null
  } catch {
    return null
  }
}
