/**
 * Makes a snapshot ready to answer: lazily, flag by flag, when one is first asked for. A prepared flag holds every decision
 * it can give, so that evaluating allocates nothing. Pure.
 */
import { type EvaluationContext, own, type Read, reader, targetingKey } from './context.ts'
import type { Decision, Metadata, Reason } from './decision.ts'
import type { JsonValue, Key, Name } from './document.ts'
import { type Kill, type KillList, killOfFlag } from './kills.ts'
import { type Operator, predicates } from './operators.ts'
import type {
  PackedCondition,
  PackedFlag,
  PackedRule,
  PackedSegment,
  PackedServe,
  Snapshot,
} from './snapshot.ts'

export type Test = (context: EvaluationContext) => boolean

/** One variant, or a weighted choice among several: each arm with its decision ready. */
export type PreparedServe = Decision | readonly Arm[]

export interface Arm {
  readonly seed: number
  readonly weight: number
  readonly decision: Decision
}

export interface PreparedRule {
  readonly id: string
  readonly when: Test | null
  /** Boundary in [0, 2^32]; 2^32 is everyone, without a bucket key. */
  readonly below: number
  /** Set where the rule serves one variant. */
  readonly decision: Decision | null
  readonly arms: readonly Arm[] | null
}

const NO_RULES: readonly PreparedRule[] = []
const BOOLEAN_NAMES: readonly Name[] = ['on', 'off']
const BOOLEAN_VALUES: readonly JsonValue[] = [true, false]
const NO_METADATA: Metadata = Object.freeze({})
export const EVERYONE = 0x1_0000_0000

export class PreparedFlag {
  readonly key: Key
  readonly packed: PackedFlag
  readonly names: readonly Name[]
  /** The answer whatever the context: killed, disabled, or one fixed variant without rules. Asked at no route, without override. */
  readonly constant: Decision | null
  readonly killed: Decision | null
  readonly disabled: Decision | null
  readonly seed: number
  /** Reads the bucket key; `null`: it is the targeting key. */
  readonly bucket: Read | null
  readonly rules: readonly PreparedRule[]
  readonly fallthrough: Decision | null
  readonly arms: readonly Arm[] | null
  readonly requires: NonNullable<PackedFlag['requires']> | null
  readonly #prepared: Prepared

  constructor(prepared: Prepared, key: Key, packed: PackedFlag) {
    this.#prepared = prepared
    this.key = key
    this.packed = packed
    this.names = packed.names ?? BOOLEAN_NAMES
    this.seed = packed.seed
    this.bucket = packed.bucketBy === undefined ? null : reader(packed.bucketBy)
    this.requires = packed.requires ?? null
    this.rules = packed.rules?.map((rule) => this.#rule(rule)) ?? NO_RULES
    const fixed = this.rules.length === 0 && this.requires === null && typeof packed.fallthrough === 'number'
    const serve = this.#serve(
      packed.fallthrough,
      typeof packed.fallthrough === 'number' && this.rules.length === 0 ? 'STATIC' : 'DEFAULT',
      null,
    )
    this.fallthrough = isDecision(serve) ? serve : null
    this.arms = isDecision(serve) ? null : serve
    const kill = killOfFlag(prepared.kills, key, packed.tags)
    this.killed = kill ? this.kill(kill) : null
    this.disabled = packed.enabled ? null : this.decide(packed.off, 'DISABLED', null)
    this.constant = this.killed ?? this.disabled ?? (fixed ? this.fallthrough : null)
  }

  /** The decision of a kill: its variant, or `off` where the flag has no such variant. */
  kill(kill: Kill): Decision {
    const index = kill.variant === undefined ? -1 : this.names.indexOf(kill.variant)
    return this.decide(index < 0 ? this.packed.off : index, 'DISABLED', null, { killed: true })
  }

  /** The decision of an override, or `null` where the flag has no such variant. */
  override(variant: Name): Decision | null {
    const index = this.names.indexOf(variant)
    return index < 0 ? null : this.decide(index, 'STATIC', null, { override: true })
  }

  decide(index: number, reason: Reason, rule: string | null, more?: Metadata): Decision {
    const { packed } = this
    return Object.freeze({
      flag: this.key,
      variant: this.names[index]!,
      value: (packed.values ?? BOOLEAN_VALUES)[index],
      reason,
      rule,
      errorCode: null,
      metadata: more ? Object.freeze({ ...packed.metadata, ...more }) : (packed.metadata ?? NO_METADATA),
      version: this.#prepared.snapshot.version,
      killVersion: this.#prepared.kills.version,
    })
  }

  #rule(rule: PackedRule): PreparedRule {
    const below = rule.below ?? EVERYONE
    const serve = this.#serve(rule.serve, below < EVERYONE ? 'SPLIT' : 'TARGETING_MATCH', rule.id)
    const when = rule.when ? this.#prepared.test(rule.when) : null
    return isDecision(serve)
      ? { id: rule.id, when, below, decision: serve, arms: null }
      : { id: rule.id, when, below, decision: null, arms: serve }
  }

  #serve(serve: PackedServe, reason: Reason, rule: string | null): PreparedServe {
    if (typeof serve === 'number') return this.decide(serve, reason, rule)
    return serve.map(([index, weight, seed]) => ({
      seed,
      weight,
      decision: this.decide(index, 'SPLIT', rule),
    }))
  }
}

const isDecision = (serve: PreparedServe): serve is Decision => !Array.isArray(serve)

export class Prepared {
  readonly snapshot: Snapshot
  readonly kills: KillList
  /** Flags that were asked for already. */
  readonly ready = new Map<Key, PreparedFlag>()
  readonly #segments = new Map<Key, Test>()
  readonly #missing = new Map<Key, Decision>()
  #all: readonly (PreparedFlag | Key)[] | null = null

  constructor(snapshot: Snapshot, kills: KillList) {
    this.snapshot = snapshot
    this.kills = kills
  }

  /** Every flag, in the snapshot's order; the key alone where a flag's text is damaged. */
  get all(): readonly (PreparedFlag | Key)[] {
    this.#all ??= [...this.snapshot.flags.keys()].map((key) => {
      try {
        return this.flag(key) ?? key
      } catch {
        return key
      }
    })
    return this.#all
  }

  /** A flag, prepared now if it never was; `undefined` if there is none of that name. Throws if its text is damaged. */
  flag(key: Key): PreparedFlag | undefined {
    const ready = this.ready.get(key)
    if (ready !== undefined) return ready
    const text = this.snapshot.flags.get(key)
    if (text === undefined) return undefined
    const flag = new PreparedFlag(this, key, freeze(JSON.parse(text) as PackedFlag))
    this.ready.set(key, flag)
    return flag
  }

  /** The decision on a flag that does not exist; one object a key, within bounds. */
  missing(key: Key): Decision {
    const known = this.#missing.get(key)
    if (known) return known
    const { version } = this.snapshot
    const decision: Decision = Object.freeze({
      flag: key,
      variant: null,
      value: undefined,
      reason: 'ERROR',
      rule: null,
      errorCode: 'FLAG_NOT_FOUND',
      metadata: NO_METADATA,
      version,
      killVersion: this.kills.version,
    })
    if (this.#missing.size < 1000) this.#missing.set(key, decision)
    return decision
  }

  /** The predicate of a packed condition. */
  test(condition: PackedCondition): Test {
    switch (condition[0]) {
      case 'all': {
        const tests = this.#tests(condition)
        return (context) => {
          for (const test of tests) if (!test(context)) return false
          return true
        }
      }
      case 'any': {
        const tests = this.#tests(condition)
        return (context) => {
          for (const test of tests) if (test(context)) return true
          return false
        }
      }
      case 'not': {
        const test = this.test(condition[1] as PackedCondition)
        return (context) => !test(context)
      }
      case 'segment':
        return this.segment(condition[1] as Key)
      case 'is': {
        const [, operator, attribute, operand] = condition as readonly ['is', Operator, string, JsonValue]
        const predicate = predicates[operator](operand)
        if (attribute === 'targetingKey') return (context) => predicate(targetingKey(context))
        if (!attribute.includes('.')) return (context) => predicate(own(context, attribute))
        const read = reader(attribute)
        return (context) => predicate(read(context))
      }
    }
  }

  #tests(condition: PackedCondition): Test[] {
    return (condition.slice(1) as PackedCondition[]).map((inner) => this.test(inner))
  }

  /** Membership of a segment: exclude beats include beats `when`. */
  segment(key: Key): Test {
    const known = this.#segments.get(key)
    if (known) return known
    const test = this.#member(this.snapshot.segments[key] ?? {})
    this.#segments.set(key, test)
    return test
  }

  #member({ include, exclude, when }: PackedSegment): Test {
    const included = new Set<unknown>(include)
    const excluded = new Set<unknown>(exclude)
    const holds = when ? this.test(when) : null
    return (context) => {
      const key = targetingKey(context)
      if (excluded.has(key)) return false
      return included.has(key) || (holds?.(context) ?? false)
    }
  }
}

/** Makes a snapshot ready to answer; costs nothing per flag until a flag is asked for. */
export const prepare = (snapshot: Snapshot, kills: KillList): Prepared => new Prepared(snapshot, kills)

/** Values are handed to callers as they are: nobody may change them for the next caller. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner)
    Object.freeze(value)
  }
  return value
}
