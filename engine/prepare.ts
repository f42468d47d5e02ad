/**
 * Makes a snapshot ready to answer: lazily, flag by flag, when one is first asked for. A prepared flag holds every decision
 * it can give, so that evaluating allocates nothing. Pure.
 */
import { type EvaluationContext, type Read, reader, targetingKey } from './context.ts'
import type { Decision, Metadata, Reason } from './decision.ts'
import type { JsonValue, Key, Name } from './document.ts'
import type { Bulk } from './evaluate-all.ts'
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

/** Either one decision, or a weighted choice among arms, each with its decision ready. */
export interface PreparedServe {
  readonly decision: Decision | null
  readonly arms: readonly Arm[] | null
}

export interface Arm {
  /** Signed, as bases are. */
  readonly seed: number
  readonly weight: number
  readonly decision: Decision
}

export interface PreparedRule extends PreparedServe {
  readonly when: Test | null
  /** Boundary in [0, 2^32]; 2^32 is everyone, without a bucket key. */
  readonly below: number
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
  /** The answer whatever the context: killed, settled, or one fixed variant without rules. Asked at no route, without override. */
  readonly constant: Decision | null
  readonly killed: Decision | null
  /** Beats header overrides and all that follows: of a disabled flag, or of one that is previewed (previewed.ts). */
  readonly settled: Decision | null
  /** Signed, as bases are. */
  readonly seed: number
  /** Reads the bucket key. */
  readonly bucket: Read
  readonly rules: readonly PreparedRule[]
  readonly fallthrough: PreparedServe
  readonly requires: NonNullable<PackedFlag['requires']> | null
  readonly #prepared: Prepared

  constructor(prepared: Prepared, key: Key, packed: PackedFlag) {
    this.#prepared = prepared
    this.key = key
    this.packed = packed
    this.names = packed.names ?? BOOLEAN_NAMES
    this.seed = packed.seed | 0
    this.bucket = reader(packed.bucketBy ?? 'targetingKey')
    this.requires = packed.requires ?? null
    this.rules = packed.rules?.map((rule) => this.#rule(rule)) ?? NO_RULES
    const free = this.rules.length === 0
    this.fallthrough = this.#serve(packed.fallthrough, free ? 'STATIC' : 'DEFAULT', null)
    const kill = killOfFlag(prepared.kills, key, packed.tags)
    this.killed = kill ? this.kill(kill) : null
    this.settled = packed.enabled ? null : this.decide(packed.off, 'DISABLED', null)
    this.constant =
      this.killed ?? this.settled ?? (free && this.requires === null ? this.fallthrough.decision : null)
  }

  /** The decision of a kill: its variant, or `off` where the flag has no such variant. */
  kill({ variant }: Kill): Decision {
    const index = this.names.indexOf(variant!)
    return this.decide(index < 0 ? this.packed.off : index, 'DISABLED', null, { killed: true })
  }

  /** The decision for a variant, by its index. */
  decide(index: number, reason: Reason, rule: string | null, more?: Metadata): Decision {
    const { metadata = NO_METADATA, values = BOOLEAN_VALUES } = this.packed
    return this.#prepared.decision({
      flag: this.key,
      variant: this.names[index]!,
      value: values[index],
      reason,
      rule,
      errorCode: null,
      metadata: more ? Object.freeze({ ...metadata, ...more }) : metadata,
    })
  }

  #rule({ id, when, below = EVERYONE, serve }: PackedRule): PreparedRule {
    const test = when ? this.#prepared.test(when) : null
    return { when: test, below, ...this.#serve(serve, below < EVERYONE ? 'SPLIT' : 'TARGETING_MATCH', id) }
  }

  #serve(serve: PackedServe, reason: Reason, rule: string | null): PreparedServe {
    if (typeof serve === 'number') return { decision: this.decide(serve, reason, rule), arms: null }
    const arm = ([index, weight, seed]: (typeof serve)[number]): Arm => ({
      seed: seed | 0,
      weight,
      decision: this.decide(index, 'SPLIT', rule),
    })
    return { decision: null, arms: serve.map(arm) }
  }
}

/** The decision of an override, or `null` where there is none, or the flag has no such variant. */
export function overridden(flag: PreparedFlag, variant: Name | undefined): Decision | null {
  const index = flag.names.indexOf(variant!)
  return index < 0 ? null : flag.decide(index, 'STATIC', null, { override: true })
}

/** Every flag, or those visible to browsers. */
export type Which = 'all' | 'client'

export class Prepared {
  readonly snapshot: Snapshot
  readonly kills: KillList
  /** Flags that were asked for already. */
  readonly ready = new Map<Key, PreparedFlag>()
  readonly #segments = new Map<Key, Test>()
  /** Laid out by the first bulk evaluation. */
  readonly bulk: Partial<Record<Which, Bulk>> = {}

  constructor(snapshot: Snapshot, kills: KillList) {
    this.snapshot = snapshot
    this.kills = kills
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

  /** The decision on a flag that does not exist. */
  missing(flag: Key): Decision {
    return this.decision({
      flag,
      variant: null,
      value: undefined,
      reason: 'ERROR',
      rule: null,
      errorCode: 'FLAG_NOT_FOUND',
      metadata: NO_METADATA,
    })
  }

  /** A decision under the versions in force. */
  decision(fields: Omit<Decision, 'version' | 'killVersion'>): Decision {
    return Object.freeze({ ...fields, version: this.snapshot.version, killVersion: this.kills.version })
  }

  /** The predicate of a packed condition. */
  test(condition: PackedCondition): Test {
    switch (condition[0]) {
      case 'all':
      case 'any': {
        const tests = (condition.slice(1) as PackedCondition[]).map((inner) => this.test(inner))
        const settles = condition[0] === 'any'
        return (context) => {
          for (const test of tests) if (test(context) === settles) return settles
          return !settles
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
        const read = reader(attribute)
        if (attribute.includes('.') || predicate(undefined)) return (context) => predicate(read(context))
        // Whether a property is own costs more than most predicates to ask: it is asked last, as absence never passes here.
        return (context) => predicate(context[attribute]) && Object.hasOwn(context, attribute)
      }
    }
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
