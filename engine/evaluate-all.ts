/**
 * Evaluation of every flag for one context: the key is hashed once, and flags that are a constant or a plain percentage are
 * laid out side by side, so that each costs one finaliser. Never throws. Decides exactly as `evaluate` does.
 */
import { type EvaluationContext, targetingKey } from './context.ts'
import type { Decision } from './decision.ts'
import type { Key } from './document.ts'
import { baseOf, decide, evaluate, MISSING, NOTHING } from './evaluate.ts'
import { fmix32 } from './hash.ts'
import type { Prepared, PreparedFlag, Which } from './prepare.ts'

/** Every flag of a prepared snapshot, laid out for one pass with all that the common cases need at hand. */
export interface Bulk {
  readonly rows: readonly Row[]
  /** Seeds and boundaries of the plain percentages, in step with `rows`: typed, so that no number is an object. */
  readonly seeds: Int32Array
  readonly belows: Float64Array
  /** Keys of the flags whose text is damaged. */
  readonly damaged: readonly Key[]
}

interface Row {
  readonly flag: PreparedFlag
  /** The answer whatever the context. */
  readonly constant: Decision | null
  /** The answers of a plain percentage below and from its boundary on; `inside` is `null` for flags that need more. */
  readonly inside: Decision | null
  readonly outside: Decision | null
}

/** Decides every flag, or those visible to browsers, in the order of their keys; flags whose text is damaged come last. */
export function evaluateAll(
  prepared: Prepared,
  context: EvaluationContext,
  which: Which = 'all',
): readonly Decision[] {
  const bulk = prepared.bulk[which] ?? layOut(prepared, which)
  prepared.bulk[which] = bulk
  const one = (key: Key): Decision => evaluate(prepared, key, context)
  let decisions: Decision[]
  try {
    decisions = inOnePass(prepared, bulk, context ?? NOTHING)
  } catch {
    // A context that does not let itself be read throughout: each flag says for itself what it makes of it.
    decisions = bulk.rows.map(({ flag }) => one(flag.key))
  }
  return which === 'all' ? decisions.concat(bulk.damaged.map(one)) : decisions
}

function inOnePass(
  prepared: Prepared,
  { rows, seeds, belows }: Bulk,
  context: EvaluationContext,
): Decision[] {
  const base = baseOf(targetingKey(context))
  const decisions: Decision[] = []
  for (let at = 0; at < rows.length; at += 1) {
    const { constant, inside, outside, flag } = rows[at]!
    if (constant !== null) decisions.push(constant)
    else if (inside === null || base === MISSING) decisions.push(decide(prepared, flag, context, base))
    else decisions.push(fmix32(base ^ seeds[at]!) < belows[at]! ? inside : outside!)
  }
  return decisions
}

function layOut(prepared: Prepared, which: Which): Bulk {
  const damaged: Key[] = []
  const all = [...prepared.snapshot.flags.keys()].flatMap((key) => {
    try {
      return prepared.flag(key)!
    } catch {
      damaged.push(key)
      return []
    }
  })
  const flags = all.filter(({ packed }) => which === 'all' || packed.client)
  const cuts = flags.map(plainCut)
  return {
    rows: flags.map((flag, at) => ({
      flag,
      constant: flag.constant,
      inside: cuts[at]?.decision ?? null,
      outside: flag.fallthrough.decision,
    })),
    seeds: Int32Array.from(flags, ({ seed }) => seed),
    belows: Float64Array.from(cuts, (cut) => cut?.below ?? 0),
    damaged,
  }
}

/** The only rule of a flag that is nothing but a percentage of the targeting key. */
function plainCut({ rules, requires, bucket, fallthrough }: PreparedFlag) {
  const [rule] = rules
  const plain =
    rules.length === 1 && requires === null && bucket === targetingKey && fallthrough.decision !== null
  return plain && rule!.when === null && rule!.below > 0 ? rule! : null
}
