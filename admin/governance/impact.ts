/**
 * What a change would do before it is made: who would get another variant. Measured over contexts of real requests where
 * there are some, else over synthetic keys; by country over the same synthetic keys in each. Pure, deterministic, bounded.
 */
import {
  type EvaluationContext,
  evaluate,
  type FlagDocument,
  type Key,
  type Name,
  NO_KILLS,
  type Prepared,
  prepare,
  type Snapshot,
} from '../../engine/index.ts'
import { changedFlags } from './changed-flags.ts'
import { type Country, countriesOf } from './countries.ts'
import { summaryOf } from './impact-summary.ts'
import { listedUsers } from './listed-users.ts'
import { measurable } from './measurable.ts'

/** A document with what it compiles to. */
export interface Side {
  readonly document: FlagDocument
  readonly snapshot: Snapshot
}

/** A context of a real request, and how many requests it stands for. */
export interface Sampled {
  readonly context: EvaluationContext
  readonly weight: number
}

export interface Move {
  /** `null`: there is no such flag. */
  readonly from: Name | null
  readonly to: Name | null
  /** Of all keys, 0…1. */
  readonly share: number
}

export interface CountryShift {
  readonly country: string
  readonly variant: Name
  /** Shares of the keys there, 0…1. */
  readonly before: number
  readonly after: number
}

export interface FlagImpact {
  readonly flag: Key
  /** Share of keys whose variant changes, 0…1. */
  readonly changed: number
  readonly moves: readonly Move[]
  /** Where and by how much shares differ; empty where they do alike everywhere. */
  readonly countries: readonly CountryShift[]
  /** Users that lists name: how many there are, and how many of them get another variant. */
  readonly listed: { readonly users: number; readonly affected: number }
}

export interface Impact {
  readonly flags: readonly FlagImpact[]
  /** Flags that change too, but were more, or ask more, than could be measured. */
  readonly unmeasured: readonly Key[]
  /** `sample`: `moves` are of real requests; `synthetic`: of made-up keys. */
  readonly basis: 'sample' | 'synthetic'
  /** How many contexts that was. */
  readonly contexts: number
  /** A sentence for each thing to know. */
  readonly summary: readonly string[]
}

/** Fewer real contexts than this say too little. */
const ENOUGH = 100
const SYNTHETIC_KEYS = 1_000

const keys: readonly EvaluationContext[] = Array.from({ length: SYNTHETIC_KEYS }, (_, n) => ({
  targetingKey: `synthetic-${n}`,
}))

export function impact(before: Side, after: Side, sample: readonly Sampled[]): Impact {
  const changed = changedFlags(before, after)
  const basis = sample.length >= ENOUGH ? 'sample' : 'synthetic'
  const population = basis === 'sample' ? sample : keys.map((context) => ({ context, weight: 1 }))
  const sides = [prepare(before.snapshot, NO_KILLS), prepare(after.snapshot, NO_KILLS)] as const
  const countries = countriesOf([before.document, after.document])
  const contexts = population.length + countries.length * keys.length
  const [measured, unmeasured] = measurable(changed, [before.document, after.document], contexts)
  const flags = measured.map((flag): FlagImpact => {
    const moves = movesOf(sides, flag, population)
    return {
      flag,
      changed: moves.reduce((sum, { share }) => sum + share, 0),
      moves,
      countries: uneven(countries.map((country) => shiftsIn(sides, flag, country))),
      listed: listedOf(sides, flag, [before.document, after.document]),
    }
  })
  return { flags, unmeasured, basis, contexts: population.length, summary: summaryOf(flags, unmeasured) }
}

type Sides = readonly [Prepared, Prepared]

const variantsOf = ([before, after]: Sides, flag: Key, context: EvaluationContext) =>
  [evaluate(before, flag, context).variant, evaluate(after, flag, context).variant] as const

function movesOf(sides: Sides, flag: Key, population: readonly Sampled[]): Move[] {
  const moved = new Map<string, { from: Name | null; to: Name | null; weight: number }>()
  let total = 0
  for (const { context, weight } of population) {
    total += weight
    const [from, to] = variantsOf(sides, flag, context)
    if (from === to) continue
    const name = JSON.stringify([from, to])
    const move = moved.get(name) ?? { from, to, weight: 0 }
    move.weight += weight
    moved.set(name, move)
  }
  return [...moved.values()]
    .map(({ from, to, weight }) => ({ from, to, share: total === 0 ? 0 : weight / total }))
    .sort((a, b) => b.share - a.share)
}

/** The same keys in every country, so that countries differ by the rules and not by chance. */
function shiftsIn(sides: Sides, flag: Key, { country, continent }: Country): CountryShift[] {
  const shares = [new Map<Name, number>(), new Map<Name, number>()] as const
  for (const { targetingKey } of keys) {
    const context = {
      targetingKey,
      'geo.country': country,
      ...(continent === null ? {} : { 'geo.continent': continent }),
    }
    for (const [at, variant] of variantsOf(sides, flag, context).entries())
      if (variant !== null) shares[at]!.set(variant, (shares[at]!.get(variant) ?? 0) + 1)
  }
  const names = [...new Set([...shares[0].keys(), ...shares[1].keys()])].sort()
  return names
    .map((variant) => ({
      country,
      variant,
      before: (shares[0].get(variant) ?? 0) / keys.length,
      after: (shares[1].get(variant) ?? 0) / keys.length,
    }))
    .filter((shift) => shift.before !== shift.after)
}

/** Nothing where every country shifts alike: then it is not about countries. */
function uneven(shifts: readonly (readonly CountryShift[])[]): CountryShift[] {
  const alike = new Set(shifts.map((one) => JSON.stringify(one.map(({ country: _, ...shift }) => shift))))
  return alike.size === 1 ? [] : shifts.flat()
}

/** The users that lists name: each is asked before and after. */
function listedOf(sides: Sides, flag: Key, documents: readonly FlagDocument[]): FlagImpact['listed'] {
  const users = listedUsers(documents, flag)
  let affected = 0
  for (const targetingKey of users) {
    const [from, to] = variantsOf(sides, flag, { targetingKey })
    if (from !== to) affected += 1
  }
  return { users: users.size, affected }
}
