/** A checked flag as the snapshot carries it: names become indices, seeds and boundaries are computed here, once. Pure. */
import { boundary, variantSeed } from './bucket.ts'
import { packCondition } from './condition.ts'
import type { CanonicalFlag, Key, Name, Overlay, Rule, Segment, Serve } from './document.ts'
import { murmur3 } from './hash.ts'
import type { PackedFlag, PackedRule, PackedSegment, PackedServe } from './snapshot.ts'

/** `flag` in canonical form; `rollouts` are those that run on it. */
export function packFlag(key: Key, flag: CanonicalFlag, rollouts: Overlay['rollouts']): PackedFlag {
  const seed = murmur3(flag.salt ?? key, 0)
  const names = Object.keys(flag.variants)
  const values = Object.values(flag.variants)
  const usual =
    names.length === 2 && names[0] === 'on' && names[1] === 'off' && values[0] === true && values[1] === false
  const places = new Map(names.map((name, at) => [name, at]))
  const index = (name: Name): number => places.get(name)!
  const rules = withRollouts(flag.rules, rollouts).map((rule) => packRule(rule, index, seed, rollouts))
  const packed: { -readonly [Field in keyof PackedFlag]: PackedFlag[Field] } = {
    enabled: flag.enabled,
    seed,
    off: index(flag.off),
    fallthrough: packServe(flag.fallthrough, index, seed),
  }
  if (!usual) Object.assign(packed, { names, values })
  if (flag.bucketBy !== undefined && flag.bucketBy !== 'targetingKey') packed.bucketBy = flag.bucketBy
  if (flag.prerequisites?.length)
    packed.requires = flag.prerequisites.map(({ flag: other, variants }) => [other, variants])
  if (rules.length > 0) packed.rules = rules
  if (flag.tags?.length) packed.tags = flag.tags
  if (flag.client) packed.client = true
  if (flag.metadata && Object.keys(flag.metadata).length > 0) packed.metadata = flag.metadata
  if (values.some((value) => typeof value === 'number' && !Number.isInteger(value))) packed.float = true
  return packed
}

/** A running rollout that no rule names acts as one more rule after all others. */
function withRollouts(rules: readonly Rule[], rollouts: Overlay['rollouts']): readonly Rule[] {
  const named = new Set(
    rules.map(({ percentage }) => (typeof percentage === 'object' ? percentage.rollout : undefined)),
  )
  const extra = Object.entries(rollouts)
    .filter(([id]) => !named.has(id))
    .map(([id, { variant, weight }]): Rule => ({ id: `rollout:${id}`, percentage: weight, serve: variant }))
  return [...rules, ...extra]
}

function packRule(
  rule: Rule,
  index: (name: Name) => number,
  seed: number,
  rollouts: Overlay['rollouts'],
): PackedRule {
  const { percentage } = rule
  const share =
    typeof percentage === 'object' ? (rollouts[percentage.rollout]?.weight ?? 0) : (percentage ?? 100)
  return {
    id: rule.id,
    ...(rule.when && { when: packCondition(rule.when) }),
    ...(share < 100 && { below: boundary(share) }),
    serve: packServe(rule.serve, index, seed),
  }
}

function packServe(serve: Serve, index: (name: Name) => number, seed: number): PackedServe {
  if (typeof serve === 'string') return index(serve)
  return Object.keys(serve)
    .filter((name) => serve[name]! > 0)
    .sort()
    .map((name) => [index(name), serve[name]!, variantSeed(name, seed)] as const)
}

export function packSegment(segment: Segment): PackedSegment {
  const { include, exclude, when } = segment
  return {
    ...(include?.length && { include }),
    ...(exclude?.length && { exclude }),
    ...(when && { when: packCondition(when) }),
  }
}
