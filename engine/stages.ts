/**
 * The stages of a migration from something old to something new, and where a migration flag stands: at the stages that some
 * context can get. Pure. Never throws.
 */
import type { CanonicalFlag, Name, Serve } from './document.ts'

/** In order: each has one neighbour to go on to and one to go back to. What is read and written in each: docs/migrations.md. */
export const STAGES = ['off', 'dualwrite', 'shadow', 'live', 'rampdown', 'complete'] as const
export type Stage = (typeof STAGES)[number]

export const isStage = (value: unknown): value is Stage => STAGES.includes(value as Stage)

/** Whether a flag leads through a migration: of that kind, and each of its variants is worth a stage. */
export const isMigration = ({ kind, variants }: CanonicalFlag): boolean =>
  kind === 'migration' && Object.values(variants).every(isStage)

/** The stage of a variant of a migration flag. */
export const stageOf = (flag: CanonicalFlag, variant: Name): Stage => flag.variants[variant] as Stage

/** The stages that a migration has, in order: it may leave some out. */
export const stagesOf = ({ variants }: CanonicalFlag): Stage[] =>
  STAGES.filter((stage) => Object.values(variants).includes(stage))

/** The stages that some context can get now: of a flag that is not enabled, that of `off`. */
export const standing = (flag: CanonicalFlag): Set<Stage> =>
  new Set(flag.enabled ? Array.from(served(flag), ([variant]) => stageOf(flag, variant)) : [offStage(flag)])

export const offStage = (flag: CanonicalFlag): Stage => stageOf(flag, flag.off)

/** Whether some of these are at or behind a point of no return. */
export const isPast = (at: Iterable<Stage>, point: Stage): boolean =>
  [...at].some((stage) => STAGES.indexOf(stage) >= STAGES.indexOf(point))

/** Where a variant is served: by a rule (its index), by the fallthrough, or as `off` to those whom neither can take. */
export type ServedBy = number | 'fallthrough' | 'off'

/** The variants that some context can get while the flag is enabled. A rule whose share may be 0 counts with any. */
export function* served(flag: CanonicalFlag): Generator<readonly [variant: Name, by: ServedBy]> {
  const { off, prerequisites = [], rules, fallthrough } = flag
  if (prerequisites.length > 0) yield [off, 'off']
  for (const [at, { when, percentage, serve }] of rules.entries()) {
    if (percentage === 0) continue
    for (const variant of variantsIn(serve)) yield [variant, at]
    const takesAll = when === undefined && (percentage === undefined || percentage === 100)
    // Weights need a bucket key: those without one go on to the next rule.
    if (takesAll && typeof serve === 'string') return
  }
  for (const variant of variantsIn(fallthrough)) yield [variant, 'fallthrough']
  if (typeof fallthrough !== 'string') yield [off, 'off']
}

const variantsIn = (serve: Serve): Name[] =>
  typeof serve === 'string' ? [serve] : Object.keys(serve).filter((variant) => serve[variant]! > 0)
