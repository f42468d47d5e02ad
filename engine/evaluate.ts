/**
 * Evaluation: total, any input gives a Decision. Never throws, does no I/O, allocates nothing but a decision that is not
 * already there. Source: docs/evaluation.md, "Order of evaluation".
 */
import { bucketKey, placeOf } from './bucket.ts'
import { type EvaluationContext, targetingKey } from './context.ts'
import type { At, Decision, ErrorCode } from './decision.ts'
import type { Key } from './document.ts'
import { fmix32, murmur3 } from './hash.ts'
import { killOfRoute } from './kills.ts'
import { type Arm, EVERYONE, overridden, type Prepared, type PreparedFlag } from './prepare.ts'

/** Decides a flag for a context; `at` says for which route and with which overrides. */
export function evaluate(
  prepared: Prepared,
  flagKey: Key,
  context: EvaluationContext,
  at?: At | null,
): Decision {
  if (!at) return evaluateFlag(prepared, flagKey, context)
  try {
    return decideAt(prepared, prepared.flag(flagKey)!, context ?? NOTHING, at)
  } catch {
    // Of what is missing or cannot be read the same is said, wherever it is asked for.
    return evaluateFlag(prepared, flagKey, context)
  }
}

/** Decides a flag for a context, asked for by an application: at no route, without overrides. */
export function evaluateFlag(prepared: Prepared, flagKey: Key, context: EvaluationContext): Decision {
  try {
    const flag = prepared.ready.get(flagKey) ?? prepared.flag(flagKey)
    if (flag === undefined) return prepared.missing(flagKey)
    return flag.constant ?? decide(prepared, flag, context ?? NOTHING, UNKNOWN)
  } catch {
    // A context with a getter or proxy that throws, or a snapshot this code did not write: the caller's default serves.
    return withError(prepared.missing(flagKey), 'GENERAL')
  }
}

function decideAt(prepared: Prepared, flag: PreparedFlag, context: EvaluationContext, at: At): Decision {
  const kill = at.route === undefined ? undefined : killOfRoute(prepared.kills, at.route)
  if (kill) return flag.kill(kill)
  if (flag.killed) return flag.killed
  return (
    overridden(flag, at.override) ??
    flag.settled ??
    overridden(flag, at.headerOverride) ??
    flag.constant ??
    decide(prepared, flag, context, UNKNOWN)
  )
}

/**
 * Prerequisites, rules, fallthrough of a flag that is neither killed nor disabled. `keyBase`: hash of the targeting key
 * where the caller has it already.
 */
export function decide(
  prepared: Prepared,
  flag: PreparedFlag,
  context: EvaluationContext,
  keyBase: number,
): Decision {
  if (flag.requires !== null) {
    for (const [key, variants] of flag.requires) {
      const { variant } = evaluateFlag(prepared, key, context)
      if (variant === null || !variants.includes(variant)) {
        return flag.decide(flag.packed.off, 'DEFAULT', null, { prerequisite: key })
      }
    }
  }
  let base = flag.bucket === targetingKey ? keyBase : UNKNOWN
  let skipped = false
  for (const rule of flag.rules) {
    if (rule.when !== null && !rule.when(context)) continue
    if (rule.below === EVERYONE && rule.decision !== null) return rule.decision
    if (rule.below === 0) continue
    if (base === UNKNOWN) base = baseOf(flag.bucket(context))
    if (base === MISSING) skipped = true
    else if (fmix32(base ^ flag.seed) < rule.below) return rule.decision ?? heaviest(rule.arms!, base)
  }
  const { decision, arms } = flag.fallthrough
  if (decision !== null) return skipped ? withError(decision, 'TARGETING_KEY_MISSING') : decision
  if (base === UNKNOWN) base = baseOf(flag.bucket(context))
  if (base !== MISSING) return heaviest(arms!, base)
  return withError(flag.decide(flag.packed.off, 'DEFAULT', null), 'TARGETING_KEY_MISSING')
}

export const NOTHING: EvaluationContext = Object.freeze({})
/** What a base may be instead of a hash: no 32-bit integer, so that no key's hash is one of them. */
const UNKNOWN = 2 ** 32
export const MISSING = 2 ** 33

let lastKey = ''
let lastBase = 0

/**
 * Hash of a bucket key, signed (which engines hold without an object), or MISSING. The last one is remembered: a request asks many flags of one key. (Memory of
 * a pure function: it changes no answer.)
 */
export function baseOf(value: unknown): number {
  const key = bucketKey(value)
  if (key === null) return MISSING
  if (key !== lastKey) {
    lastBase = murmur3(key, 0) | 0
    lastKey = key
  }
  return lastBase
}

/** Weighted rendezvous: the arm with the largest score; arms stand in code-unit order, so the smaller name wins a tie. */
function heaviest(arms: readonly Arm[], base: number): Decision {
  let best = arms[0]!
  let bestScore = 0
  for (const arm of arms) {
    const place = placeOf(base, arm.seed)
    // −ln x > 1 − x: an arm that loses by this bound needs no logarithm.
    if (arm.weight < bestScore * (1 - place)) continue
    const own = arm.weight / -Math.log(place)
    if (own > bestScore) {
      best = arm
      bestScore = own
    }
  }
  return best.decision
}

function withError(decision: Decision, errorCode: ErrorCode): Decision {
  return Object.freeze({ ...decision, errorCode })
}
