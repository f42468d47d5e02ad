/**
 * What a change would do before it is made: who would get another variant. Measured over contexts of real requests where
 * there are some, else over synthetic keys; by country over the same synthetic keys in each. Pure, deterministic, bounded.
 */
import {
  type Condition,
  canonicalFlag,
  type EvaluationContext,
  evaluate,
  type Flag,
  type FlagDocument,
  type Key,
  type Name,
  NO_KILLS,
  type Prepared,
  prepare,
  type Segment,
  type Snapshot,
} from '../../engine/index.ts'
import { sameJson } from './same-json.ts'

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
  /** Flags that change too, but were more than could be measured. */
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
/** Most flags that are measured. */
export const MAX_MEASURED = 50
/** Most users that lists name, and most countries, that are looked at for one flag. */
const MAX_LISTED = 20_000
const MAX_COUNTRIES = 40
/** Countries with the most internet users, which a document need not mention. */
const LARGEST = ['BR', 'CN', 'DE', 'FR', 'GB', 'ID', 'IN', 'JP', 'NG', 'US']

const keys: readonly EvaluationContext[] = Array.from({ length: SYNTHETIC_KEYS }, (_, n) => ({
  targetingKey: `synthetic-${n}`,
}))

export function impact(before: Side, after: Side, sample: readonly Sampled[]): Impact {
  const changed = changedFlags(before, after)
  const measured = changed.slice(0, MAX_MEASURED)
  const basis = sample.length >= ENOUGH ? 'sample' : 'synthetic'
  const population = basis === 'sample' ? sample : keys.map((context) => ({ context, weight: 1 }))
  const sides = [prepare(before.snapshot, NO_KILLS), prepare(after.snapshot, NO_KILLS)] as const
  const countries = countriesOf([before.document, after.document])
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
  const unmeasured = changed.slice(MAX_MEASURED)
  return { flags, unmeasured, basis, contexts: population.length, summary: summaryOf(flags, unmeasured) }
}

/** Flags whose own text differs, and those that require one, or refer to a segment, that does. */
function changedFlags(before: Side, after: Side): Key[] {
  const all = [...new Set([...before.snapshot.flags.keys(), ...after.snapshot.flags.keys()])].sort()
  const changed = new Set(
    all.filter((key) => before.snapshot.flags.get(key) !== after.snapshot.flags.get(key)),
  )
  const segments = changedSegments(before.document.segments ?? {}, after.document.segments ?? {})
  for (let known = -1; known !== changed.size; ) {
    known = changed.size
    for (const key of all)
      if ([before, after].some(({ document }) => dependsOn(document, key, changed, segments)))
        changed.add(key)
  }
  return all.filter((key) => changed.has(key))
}

/** Those that differ, and those that refer to one. */
function changedSegments(
  before: Readonly<Record<Key, Segment>>,
  after: Readonly<Record<Key, Segment>>,
): Set<Key> {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const own = (segments: Readonly<Record<Key, Segment>>, key: Key) =>
    Object.hasOwn(segments, key) ? segments[key] : undefined
  const changed = new Set(all.filter((key) => !sameJson(own(before, key), own(after, key))))
  for (let known = -1; known !== changed.size; ) {
    known = changed.size
    for (const key of all)
      if (
        [before, after].some((segments) =>
          segmentsIn(own(segments, key)?.when).some((one) => changed.has(one)),
        )
      )
        changed.add(key)
  }
  return changed
}

function dependsOn(
  document: FlagDocument,
  key: Key,
  flags: ReadonlySet<Key>,
  segments: ReadonlySet<Key>,
): boolean {
  const flag = flagOf(document, key)
  if (flag === null) return false
  return (
    (flag.prerequisites ?? []).some((required) => flags.has(required.flag)) ||
    (flag.rules ?? []).some(({ when }) => segmentsIn(when).some((segment) => segments.has(segment)))
  )
}

const flagOf = ({ flags }: FlagDocument, key: Key): Flag | null =>
  Object.hasOwn(flags, key) ? canonicalFlag(key, flags[key]!) : null

const segmentsIn = (when: Condition | undefined): Key[] =>
  leavesOf(when).flatMap((leaf) => ('segment' in leaf ? [leaf.segment] : []))

type Leaf = Extract<Condition, { segment: Key } | { attribute: string }>

/** The conditions of a tree that hold no others. */
function leavesOf(when: Condition | undefined): Leaf[] {
  if (when === undefined) return []
  if ('all' in when) return when.all.flatMap(leavesOf)
  if ('any' in when) return when.any.flatMap(leavesOf)
  if ('not' in when) return leavesOf(when.not)
  return [when]
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

interface Country {
  readonly country: string
  readonly continent: string | null
}

/** Where a country lies, of those that are looked at anyway. */
const CONTINENT: Readonly<Record<string, string>> = {
  ...{ BR: 'SA', CN: 'AS', DE: 'EU', FR: 'EU', GB: 'EU', ID: 'AS', IN: 'AS', JP: 'AS', NG: 'AF', US: 'NA' },
}

/** Those that the documents mention, then the largest. */
function countriesOf(documents: readonly FlagDocument[]): Country[] {
  const mentioned = new Set<string>()
  for (const document of documents)
    for (const when of conditionsOf(document))
      for (const leaf of leavesOf(when))
        if ('attribute' in leaf && leaf.attribute === 'geo.country')
          for (const value of [leaf.value].flat()) if (typeof value === 'string') mentioned.add(value)
  return [...new Set([...[...mentioned].sort(), ...LARGEST])]
    .slice(0, MAX_COUNTRIES)
    .map((country) => ({ country, continent: CONTINENT[country] ?? null }))
}

function* conditionsOf(document: FlagDocument): Generator<Condition | undefined> {
  for (const key of Object.keys(document.flags))
    for (const { when } of flagOf(document, key)?.rules ?? []) yield when
  for (const { when } of Object.values(document.segments ?? {})) yield when
}

/** The users that lists of the flag, and of the segments it refers to, name: each is asked before and after. */
function listedOf(sides: Sides, flag: Key, documents: readonly FlagDocument[]): FlagImpact['listed'] {
  const users = new Set<string>()
  for (const document of documents)
    for (const { when } of flagOf(document, flag)?.rules ?? []) addListed(users, document, when, new Set())
  let affected = 0
  for (const targetingKey of users) {
    const [from, to] = variantsOf(sides, flag, { targetingKey })
    if (from !== to) affected += 1
  }
  return { users: users.size, affected }
}

function addListed(
  users: Set<string>,
  document: FlagDocument,
  when: Condition | undefined,
  seen: Set<Key>,
): void {
  const add = (values: readonly unknown[]) => {
    for (const value of values) if (typeof value === 'string' && users.size < MAX_LISTED) users.add(value)
  }
  for (const leaf of leavesOf(when)) {
    if ('attribute' in leaf) {
      if (leaf.attribute === 'targetingKey' && (leaf.op === 'in' || leaf.op === 'equals'))
        add([leaf.value].flat())
      continue
    }
    const segment = document.segments?.[leaf.segment]
    if (segment === undefined || seen.has(leaf.segment)) continue
    seen.add(leaf.segment)
    add(segment.include ?? [])
    add(segment.exclude ?? [])
    addListed(users, document, segment.when, seen)
  }
}

/** Countries named in one sentence. */
const NAMED = 5

function summaryOf(flags: readonly FlagImpact[], unmeasured: readonly Key[]): string[] {
  const sentences = flags.flatMap(({ flag, changed, moves, countries, listed }) => [
    changed === 0
      ? `flag ${flag}: no key changes variant`
      : `flag ${flag}: ${percent(changed)} of keys change variant: ${moves.map(({ from, to, share }) => `${percent(share)} ${from ?? 'nothing'} → ${to ?? 'nothing'}`).join(', ')}`,
    ...(listed.affected > 0
      ? [`flag ${flag}: ${listed.affected} of ${listed.users} listed users get another variant`]
      : []),
    ...(countries.length > 0
      ? [
          `flag ${flag}: ${countries
            .slice(0, NAMED)
            .map(
              ({ country, variant, before, after }) =>
                `${country} ${variant} ${percent(before)} → ${percent(after)}`,
            )
            .join(', ')}${countries.length > NAMED ? ', …' : ''}`,
        ]
      : []),
  ])
  return unmeasured.length === 0 ? sentences : [...sentences, `${unmeasured.length} more flags change`]
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`
