/**
 * What a change of the document does to each flag: a proof by the rules alone, for every context, that whoever's answer
 * changes gets `off`. Where there is none the flag is taken to be raised. Pure.
 */
import {
  canonicalFlag,
  type Flag,
  type FlagDocument,
  type Key,
  type KillList,
  killOfFlag,
  type Overlay,
  type PackedFlag,
  type ShortFlag,
} from '../../engine/index.ts'
import { packFlag } from '../../engine/pack.ts'
import { allOff, buckets, type Clause, clausesOf, namesOf, offOf } from './clauses.ts'
import type { Implication, Side } from './implication.ts'
import { sentencesOf } from './move-sentence.ts'
import { movesUp } from './moves.ts'
import { sameJson } from './same-json.ts'
import type { SegmentChanges } from './segment-changes.ts'

type Written = Flag | ShortFlag

/** `lowers`: every context gets what it got before, or `off`. */
export type Effect = 'same' | 'lowers' | 'raises'

export interface Verdict {
  readonly effect: Effect
  /** What may raise exposure, each as the end of a sentence about the flag. Empty unless `raises`. */
  readonly raising: readonly string[]
}

const SAME: Verdict = { effect: 'same', raising: [] }
const LOWERS: Verdict = { effect: 'lowers', raising: [] }

/** What holds beside the document, before and after alike. */
export interface InForce {
  /** Weights of running rollouts. */
  readonly overlay: Overlay
  readonly kills: KillList
}

/** Weights that are compared to judge one change: rules can be written that take longer than anybody waits. */
const MAX_COMPARISONS = 30_000_000

export class FlagEffects {
  readonly #written: Readonly<Record<Side, ReadonlyMap<Key, Written>>>
  readonly #packed = new Map<string, PackedFlag>()
  readonly #verdicts = new Map<Key, Verdict>()
  readonly #headers: ReadonlyMap<Key, string>
  readonly #segments: SegmentChanges
  readonly #implication: Implication
  readonly #inForce: InForce
  #left = MAX_COMPARISONS

  constructor(before: FlagDocument, after: FlagDocument, segments: SegmentChanges, inForce: InForce) {
    this.#written = {
      before: new Map(Object.entries(before.flags)),
      after: new Map(Object.entries(after.flags)),
    }
    const routes = (after.routes ?? []).filter(({ overrides }) => overrides?.header)
    this.#headers = new Map(routes.map(({ flag, id }) => [flag, id]))
    this.#segments = segments
    this.#implication = segments.implication
    this.#inForce = inForce
  }

  /** Of a flag that is there afterwards. */
  verdict(key: Key): Verdict {
    const known = this.#verdicts.get(key) ?? this.#judge(key)
    this.#verdicts.set(key, known)
    return known
  }

  #judge(key: Key): Verdict {
    const [was, is] = [this.#written.before.get(key), this.#written.after.get(key)!]
    if (was === undefined) return verdictOf(this.#added(key))
    const asked = this.#asksTheSame(is)
    if (asked && sameJson(was, is)) return SAME
    const [before, after] = [this.#pack('before', key), this.#pack('after', key)]
    if (asked && sameMeaning(before, after)) return SAME
    const identity = [...this.#identity(before, after), ...this.#kills(key, before, after)]
    if (identity.length > 0) return { effect: 'raises', raising: identity }
    if (!before.enabled && !after.enabled) return SAME
    return verdictOf(this.#answers(key, before, after))
  }

  /** Whether everything that the flag asks, other flags and segments, answers as before. */
  #asksTheSame(flag: Written): boolean {
    if (typeof flag !== 'object') return true
    const required = (flag.prerequisites ?? []).every((each) => this.verdict(each.flag).effect === 'same')
    return required && !this.#segments.isUsedBy('rules' in flag ? (flag.rules ?? []) : [])
  }

  #pack(side: Side, key: Key): PackedFlag {
    const name = `${side} ${key}`
    const known = this.#packed.get(name)
    if (known !== undefined) return known
    const rollouts = Object.entries(this.#inForce.overlay.rollouts).filter(([, { flag }]) => flag === key)
    const flag = canonicalFlag(this.#written[side].get(key)!)
    const packed = packFlag(key, flag, Object.fromEntries(rollouts))
    this.#packed.set(name, packed)
    return packed
  }

  /** A flag that was not there: its callers had their own default. */
  #added(key: Key): string[] {
    const flag = this.#pack('after', key)
    const raising = allOff(clausesOf(flag), offOf(flag)) ? [] : ['is new, and not off for everybody']
    return [...raising, ...this.#kills(key, undefined, flag)]
  }

  /** What the names of variants mean, and who may see the flag. */
  *#identity(before: PackedFlag, after: PackedFlag): Iterable<string> {
    if (!sameJson(valuesOf(before), valuesOf(after))) yield 'its variants change'
    if (offOf(before) !== offOf(after)) yield `its off changes from ${offOf(before)} to ${offOf(after)}`
    if (before.client && !after.client) yield 'it is hidden from browsers, which then use their own default'
    if (!before.client && after.client && !allOff(clausesOf(after), offOf(after)))
      yield 'it becomes visible to browsers'
  }

  /** A kill of a tag is no part of the document, but whom it reaches is. */
  *#kills(key: Key, before: PackedFlag | undefined, after: PackedFlag): Iterable<string> {
    for (const tag of before?.tags ?? [])
      if (!after.tags?.includes(tag)) yield `it loses tag ${tag}, and a kill of that tag would not reach it`
    const killed = (flag: PackedFlag | undefined): string | null => {
      const kill = flag && killOfFlag(this.#inForce.kills, key, flag.tags)
      if (!flag || !kill) return null
      return namesOf(flag).includes(kill.variant!) ? kill.variant! : offOf(flag)
    }
    const now = killed(after)
    if (now !== null && now !== offOf(after) && now !== killed(before)) yield `a kill makes it serve ${now}`
  }

  *#answers(key: Key, before: PackedFlag, after: PackedFlag): Iterable<string> {
    const off = offOf(after)
    const [was, is] = [clausesOf(before), clausesOf(after)]
    if (!before.enabled) {
      const route = this.#headers.get(key)
      if (!allOff(is, off)) yield 'is switched on'
      else if (route !== undefined) yield `is switched on, and a header chooses its variant on route ${route}`
      return
    }
    if (allOff(is, off)) return
    if (buckets(was) && buckets(is)) {
      if (before.seed !== after.seed) yield 'its salt changes, and with it which users a percentage takes'
      if (before.bucketBy !== after.bucketBy)
        yield `it buckets by ${after.bucketBy ?? 'targetingKey'} instead of ${before.bucketBy ?? 'targetingKey'}`
      if (before.seed !== after.seed || before.bucketBy !== after.bucketBy) return
    }
    yield* this.#gate(before, after)
    this.#left -= comparisons(was, is)
    if (this.#left < 0) yield 'its rules are too many to be compared with those before'
    else yield* sentencesOf(movesUp(was, is, off, this.#implication), was, off, this.#implication)
  }

  /** Who passes the prerequisites now must have passed them before: else there was `off`. */
  *#gate(before: PackedFlag, after: PackedFlag): Iterable<string> {
    for (const [key, wanted] of before.requires ?? []) {
      const names = namesOf(this.#pack('before', key))
      if (names.every((name) => wanted.includes(name))) continue
      const accepted = (after.requires ?? [])
        .filter(([other]) => other === key)
        .map(([, variants]) => variants)
      if (accepted.length === 0) yield `prerequisite ${key} is removed`
      else if (!accepted.some((variants) => variants.every((name) => wanted.includes(name))))
        yield `prerequisite ${key} accepts more variants`
      else if (!accepted.some((variants) => this.#keeps(key, variants, wanted)))
        yield this.verdict(key).effect === 'raises'
          ? `prerequisite ${key} may be raised`
          : `prerequisite ${key} may go to off, which it accepts`
    }
  }

  /** Whether a context for which a flag now gives one of `accepted` got one of `wanted` before. */
  #keeps(key: Key, accepted: readonly string[], wanted: readonly string[]): boolean {
    if (!accepted.every((name) => wanted.includes(name))) return false
    const { effect } = this.verdict(key)
    return effect === 'same' || (effect === 'lowers' && !accepted.includes(offOf(this.#pack('after', key))))
  }
}

function verdictOf(sentences: Iterable<string>): Verdict {
  const raising = [...sentences]
  return raising.length === 0 ? LOWERS : { effect: 'raises', raising }
}

/** Each clause is compared with each, their weights one by one. */
const comparisons = (was: readonly Clause[], is: readonly Clause[]): number =>
  is.length * weightsIn(was) + was.length * weightsIn(is)

const weightsIn = (clauses: readonly Clause[]): number =>
  clauses.reduce((sum, { serves }) => sum + (typeof serves === 'string' ? 1 : serves.size), 0)

/** Metadata is shown beside an answer, and is none. */
const sameMeaning = (before: PackedFlag, after: PackedFlag): boolean =>
  sameJson({ ...before, metadata: {} }, { ...after, metadata: {} })

const valuesOf = (flag: PackedFlag): Record<string, unknown> => {
  const values = flag.values ?? [true, false]
  return Object.fromEntries(namesOf(flag).map((name, index) => [name, values[index]]))
}
