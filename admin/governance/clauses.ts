/** A flag's rules and fallthrough as one list of clauses, of which the first that takes a context decides. Pure. */
import {
  HASH_SPACE,
  type Name,
  type PackedCondition,
  type PackedFlag,
  type PackedServe,
} from '../../engine/index.ts'
import { ALWAYS } from './implication.ts'
import { onlyServes, type Served } from './serve-order.ts'

/** Decides for the contexts that no clause before it decided, for which `when` holds and whose hash is below `below`. */
export interface Clause {
  /** Id of the rule; `null` is the fallthrough. */
  readonly rule: string | null
  readonly when: PackedCondition
  /** Boundary in [0, 2^32]. */
  readonly below: number
  readonly serves: Served
  /** Served to contexts without a bucket key; `null`: it does not decide for them. */
  readonly keyless: Name | null
}

const NAMES = ['on', 'off']

export const namesOf = (flag: PackedFlag): readonly string[] => flag.names ?? NAMES
export const offOf = (flag: PackedFlag): string => namesOf(flag)[flag.off]!

/** The clauses of a flag, the fallthrough last; of one that is not enabled: `off` for everybody. */
export function clausesOf(flag: PackedFlag): readonly Clause[] {
  const off = offOf(flag)
  if (!flag.enabled) return [fallthrough(off, off)]
  const rules = (flag.rules ?? []).map(({ id, when = ALWAYS, below = HASH_SPACE, serve }): Clause => {
    const serves = servedOf(flag, serve)
    return { rule: id, when, below, serves, keyless: below < HASH_SPACE ? null : fixed(serves) }
  })
  const last = servedOf(flag, flag.fallthrough)
  return [...rules, fallthrough(last, fixed(last) ?? off)]
}

const fallthrough = (serves: Served, keyless: Name): Clause => ({
  rule: null,
  when: ALWAYS,
  below: HASH_SPACE,
  serves,
  keyless,
})

/** What is served without a bucket key: weights need one. */
const fixed = (served: Served): Name | null => (typeof served === 'string' ? served : null)

const servedOf = (flag: PackedFlag, serve: PackedServe): Served =>
  typeof serve === 'number'
    ? namesOf(flag)[serve]!
    : new Map(serve.map(([index, weight]) => [namesOf(flag)[index]!, weight]))

/** Whether nobody gets anything but `off` by these clauses. */
export const allOff = (clauses: readonly Clause[], off: string): boolean =>
  clauses.every(({ below, serves }) => below === 0 || onlyServes(serves, off))

/** Whether a bucket key counts in any of these clauses. */
export const buckets = (clauses: readonly Clause[]): boolean =>
  clauses.some(({ below, serves }) => below < HASH_SPACE || typeof serves !== 'string')

/** The variants that some context may get by these clauses. */
export function variantsOf(clauses: readonly Clause[]): Set<Name> {
  const found = new Set<Name>()
  for (const { when, below, serves, keyless } of clauses) {
    if (below === 0) continue
    for (const name of typeof serves === 'string' ? [serves] : serves.keys()) found.add(name)
    if (keyless !== null) found.add(keyless)
    const takesAll = when[0] === 'all' && when.length === 1 && below === HASH_SPACE && keyless !== null
    if (takesAll) break
  }
  return found
}
