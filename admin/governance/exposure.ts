/**
 * Whether a change lowers exposure: every context whose answer changes gets the flag's `off`. Such a change is instant where
 * others need approval, so this is a proof from the rules, for every context that could ever ask, and never a sample; where
 * the proof fails the change counts as raising, and a sentence says why. Pure.
 *
 * An answer is a variant and its value; reasons, rule ids and metadata are none, and neither is a flag's lifecycle (owner,
 * kind, dates). It holds under every kill without a variant, placed or lifted, and under the kills in force; for the rollout
 * weights in force; and for header overrides, whose routes may not change. An override that the caller signed is the
 * caller's own. A new flag lowers if it is off for everybody: nobody had a variant of it. Removing one raises: its callers
 * fall back to their own defaults, which nobody here knows. Any change of a route raises.
 */
import { type FlagDocument, NO_KILLS, NO_OVERLAY, type Route } from '../../engine/index.ts'
import { FlagEffects, type InForce } from './flag-effects.ts'
import { sameJson } from './same-json.ts'
import { SegmentChanges } from './segment-changes.ts'

export interface Exposure {
  readonly lowers: boolean
  /** A sentence for each thing that needs approval; empty exactly if it lowers. */
  readonly raising: readonly string[]
}

/** Both documents must be ones that compile. A change of nothing lowers. */
export function lowers(
  before: FlagDocument,
  after: FlagDocument,
  { overlay = NO_OVERLAY, kills = NO_KILLS }: Partial<InForce> = {},
): Exposure {
  const flags = new FlagEffects(before, after, new SegmentChanges(before, after), { overlay, kills })
  const raising = [
    ...Object.keys(after.flags).flatMap((key) =>
      flags.verdict(key).raising.map((sentence) => `flag ${key}: ${sentence}`),
    ),
    ...Object.keys(before.flags)
      .filter((key) => !Object.hasOwn(after.flags, key))
      .map((key) => `flag ${key}: is removed, and its callers fall back to their own defaults`),
    ...routeChanges(before.routes ?? [], after.routes ?? []),
  ]
  return { lowers: raising.length === 0, raising }
}

function* routeChanges(before: readonly Route[], after: readonly Route[]): Iterable<string> {
  const earlier = new Map(before.map((route) => [route.id, route]))
  for (const route of after) {
    const was = earlier.get(route.id)
    if (was === undefined) yield `route ${route.id}: is new`
    else if (!sameJson(meaning(was), meaning(route))) yield `route ${route.id}: changes`
  }
  const ids = new Set(after.map(({ id }) => id))
  for (const { id } of before) if (!ids.has(id)) yield `route ${id}: is removed`
  const stayed = before.filter(({ id }) => ids.has(id))
  const order = after.filter(({ id }) => earlier.has(id))
  if (stayed.some(({ id }, at) => order[at]!.id !== id)) yield 'routes: their order changes'
}

const meaning = (route: Route): unknown => ({ ...route, description: '' })
