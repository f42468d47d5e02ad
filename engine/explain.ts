/**
 * Why a flag decided as it did: the decision, and every step on the way to it with the values that were seen. Walks the
 * packed flag beside `evaluate`; a property test holds the two together. Pure. Never throws.
 */
import { bucketKey, HASH_SPACE } from './bucket.ts'
import { type EvaluationContext, reader } from './context.ts'
import type { At, Decision } from './decision.ts'
import type { JsonValue, Key } from './document.ts'
import { evaluate } from './evaluate.ts'
import { fmix32, murmur3 } from './hash.ts'
import { killOfFlag, killOfRoute } from './kills.ts'
import type { Prepared, PreparedFlag } from './prepare.ts'
import type { PackedCondition, PackedRule } from './snapshot.ts'

export type StepName =
  | 'kill'
  | 'override'
  | 'enabled'
  | 'header-override'
  | 'prerequisite'
  | 'rule'
  | 'fallthrough'
  | 'error'

/** One step of docs/evaluation.md, "Order of evaluation"; `decided` marks the one that gave the answer. */
export interface Step {
  readonly step: StepName
  readonly decided: boolean
  readonly detail: string
  readonly rule?: string
  /** The first condition that failed, with what it was compared with. */
  readonly failed?: { attribute: string; op: string; expected: JsonValue; actual: unknown } | { segment: Key }
  /** Where the bucket key falls, in percent of the hash space, five digits. */
  readonly bucket?: number
}

export interface Explanation {
  readonly decision: Decision
  readonly steps: readonly Step[]
}

export function explain(
  prepared: Prepared,
  flagKey: Key,
  context: EvaluationContext,
  at?: At | null,
): Explanation {
  const decision = evaluate(prepared, flagKey, context, at)
  try {
    const flag = prepared.flag(flagKey)
    if (!flag)
      return { decision, steps: [{ step: 'error', decided: true, detail: `there is no flag ${flagKey}` }] }
    return { decision, steps: upToDecision(steps(prepared, flag, context ?? {}, at ?? {})) }
  } catch (cause) {
    return {
      decision,
      steps: [{ step: 'error', decided: true, detail: `the context cannot be read: ${String(cause)}` }],
    }
  }
}

function upToDecision(all: Iterable<Step>): Step[] {
  const taken: Step[] = []
  for (const step of all) {
    taken.push(step)
    if (step.decided) break
  }
  return taken
}

function* steps(prepared: Prepared, flag: PreparedFlag, context: EvaluationContext, at: At): Generator<Step> {
  const { kills } = prepared
  const kill =
    (at.route === undefined ? undefined : killOfRoute(kills, at.route)) ??
    killOfFlag(kills, flag.key, flag.packed.tags)
  yield {
    step: 'kill',
    decided: kill !== undefined,
    detail: kill ? `killed by ${kill.target}` : `no kill in list ${kills.version}`,
  }
  if (at.override !== undefined) yield overrideStep(flag, 'override', at.override)
  yield {
    step: 'enabled',
    decided: !flag.packed.enabled,
    detail: flag.packed.enabled ? 'flag is enabled' : 'flag is disabled',
  }
  if (at.headerOverride !== undefined) yield overrideStep(flag, 'header-override', at.headerOverride)
  for (const [key, variants] of flag.requires ?? []) {
    const { variant } = evaluate(prepared, key, context)
    const met = variant !== null && variants.includes(variant)
    yield {
      step: 'prerequisite',
      decided: !met,
      detail: `${key} is ${variant ?? 'unknown'}, wanted ${variants.join(' or ')}`,
    }
  }
  const bucket = bucketOf(flag, context)
  for (const rule of flag.packed.rules ?? []) yield ruleStep(prepared, rule, context, bucket)
  const weighted = typeof flag.packed.fallthrough !== 'number'
  const detail = weighted
    ? bucket === null
      ? 'no bucket key for the weights: off'
      : 'chosen by weight'
    : 'no rule matched'
  yield {
    step: 'fallthrough',
    decided: true,
    detail,
    ...(weighted && bucket !== null && { bucket: percent(bucket) }),
  }
}

function overrideStep(flag: PreparedFlag, step: StepName, variant: string): Step {
  const known = flag.names.includes(variant)
  return {
    step,
    decided: known,
    detail: known ? `override to ${variant}` : `override names ${variant}, which the flag does not have`,
  }
}

function bucketOf(flag: PreparedFlag, context: EvaluationContext): number | null {
  const key = bucketKey(flag.bucket(context))
  return key === null ? null : fmix32(murmur3(key, 0) ^ flag.seed)
}

const percent = (hash: number): number => Math.round((hash / HASH_SPACE) * 100 * 1e5) / 1e5

function ruleStep(
  prepared: Prepared,
  rule: PackedRule,
  context: EvaluationContext,
  bucket: number | null,
): Step {
  const failed = rule.when ? firstFailure(prepared, rule.when, context) : undefined
  if (failed)
    return { step: 'rule', rule: rule.id, decided: false, detail: 'condition does not hold', failed }
  if (rule.below === undefined && typeof rule.serve === 'number')
    return { step: 'rule', rule: rule.id, decided: true, detail: 'rule matched' }
  if (rule.below === 0) return { step: 'rule', rule: rule.id, decided: false, detail: 'at 0 %' }
  if (bucket === null)
    return { step: 'rule', rule: rule.id, decided: false, detail: 'skipped: no bucket key' }
  const inside = rule.below === undefined || bucket < rule.below
  const cut =
    rule.below === undefined
      ? 'chosen by weight'
      : `bucket is ${inside ? 'below' : 'not below'} ${percent(rule.below)} %`
  return { step: 'rule', rule: rule.id, decided: inside, detail: cut, bucket: percent(bucket) }
}

type Failure = NonNullable<Step['failed']>

/** The first part of a condition that made it false, or `undefined` if it holds. */
function firstFailure(
  prepared: Prepared,
  condition: PackedCondition,
  context: EvaluationContext,
): Failure | undefined {
  if (prepared.test(condition)(context)) return undefined
  switch (condition[0]) {
    case 'all':
      for (const inner of condition.slice(1) as PackedCondition[]) {
        const failure = firstFailure(prepared, inner, context)
        if (failure) return failure
      }
      break
    case 'any': {
      const [first] = condition.slice(1) as PackedCondition[]
      return first
        ? firstFailure(prepared, first, context)
        : { attribute: '', op: 'any', expected: [], actual: null }
    }
    case 'segment':
      return { segment: condition[1] as Key }
    case 'is': {
      const [, op, attribute, expected] = condition as readonly ['is', string, string, JsonValue]
      return { attribute, op, expected, actual: reader(attribute)(context) ?? null }
    }
  }
  const inner = condition[1] as PackedCondition
  if (inner[0] === 'segment') return { segment: inner[1] as Key }
  const [, op, attribute, expected] =
    inner[0] === 'is'
      ? (inner as readonly ['is', string, string, JsonValue])
      : ['', inner[0] as string, '', null]
  return {
    attribute,
    op: `not ${op}`,
    expected,
    actual: attribute === '' ? null : (reader(attribute)(context) ?? null),
  }
}
