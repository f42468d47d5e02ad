/**
 * The floor: a hand-written evaluator over plain JSON flags that gives the same answers as the engine for the four kinds of
 * flag of the benchmark, and nothing else: a value, no reason, no rule id, no versions, no kills, no prerequisites, no
 * routes, no check of anything.
 */
import type { Flag, FlagDocument, Rule } from '../engine/index.ts'

export type Context = Readonly<Record<string, unknown>>

interface Plan {
  /** `null`: the value is always the same. */
  readonly rules: readonly Step[] | null
  readonly value: unknown
  readonly arms: readonly Arm[] | null
  readonly seed: number
}

interface Step {
  /** 0: no condition. */
  readonly operator: number
  readonly attribute: string
  readonly operand: unknown
  readonly members: ReadonlySet<unknown> | null
  readonly below: number
  readonly value: unknown
}

interface Arm {
  readonly seed: number
  readonly weight: number
  readonly value: unknown
}

const ALL = 0x1_0000_0000
const OPERATORS = ['', 'equals', 'in', 'startsWith', 'gte']

export class Minimal {
  readonly #plans = new Map<string, Plan>()

  constructor(document: FlagDocument) {
    for (const [key, flag] of Object.entries(document.flags)) this.#plans.set(key, plan(key, flag as Flag))
  }

  evaluate(key: string, context: Context): unknown {
    const plan = this.#plans.get(key)
    if (plan === undefined) return undefined
    return plan.rules === null ? plan.value : decide(plan, plan.rules, context)
  }
}

/** The first rule that holds, else the fallthrough. */
function decide(plan: Plan, rules: readonly Step[], context: Context): unknown {
  let base = -1
  for (let at = 0; at < rules.length; at += 1) {
    const rule = rules[at]!
    if (rule.operator !== 0 && !holds(rule, context[rule.attribute])) continue
    if (rule.below !== ALL) {
      if (base < 0) base = murmur3(context.targetingKey as string)
      if (fmix32(base ^ plan.seed) >= rule.below) continue
    }
    return rule.value
  }
  if (plan.arms === null) return plan.value
  if (base < 0) base = murmur3(context.targetingKey as string)
  return heaviest(plan.arms, base)
}

function holds(rule: Step, actual: unknown): boolean {
  switch (rule.operator) {
    case 1:
      return actual === rule.operand
    case 2:
      return rule.members!.has(actual)
    case 3:
      return typeof actual === 'string' && actual.startsWith(rule.operand as string)
    default:
      return typeof actual === 'number' && actual >= (rule.operand as number)
  }
}

/** Weighted rendezvous. */
function heaviest(arms: readonly Arm[], base: number): unknown {
  let best = -1
  let value: unknown
  for (let at = 0; at < arms.length; at += 1) {
    const arm = arms[at]!
    const score = arm.weight / -Math.log((fmix32(base ^ arm.seed) + 0.5) / ALL)
    if (score > best) {
      best = score
      value = arm.value
    }
  }
  return value
}

function plan(key: string, { enabled, variants, off, rules = [], fallthrough }: Flag): Plan {
  const values = variants ?? { on: true, off: false }
  const seed = murmur3(key)
  if (!enabled) return { rules: null, value: values[off ?? 'off'], arms: null, seed }
  if (typeof fallthrough === 'string') {
    const steps = rules.length === 0 ? null : rules.map((rule) => step(rule, values))
    return { rules: steps, value: values[fallthrough], arms: null, seed }
  }
  const arms = Object.entries(fallthrough).map(([name, weight]) => ({
    seed: murmur3(name, seed),
    weight,
    value: values[name],
  }))
  return { rules: rules.map((rule) => step(rule, values)), value: undefined, arms, seed }
}

function step({ when, percentage, serve }: Rule, values: Readonly<Record<string, unknown>>): Step {
  const test = (when ?? { op: '', attribute: '', value: null }) as {
    op: string
    attribute: string
    value: unknown
  }
  return {
    operator: OPERATORS.indexOf(test.op),
    attribute: test.attribute,
    operand: test.value,
    members: Array.isArray(test.value) ? new Set(test.value) : null,
    below: typeof percentage === 'number' ? Math.floor((percentage * ALL) / 100 + 0.5) : ALL,
    value: values[serve as string],
  }
}

/** MurmurHash3 x86 32-bit of an ASCII text. */
export function murmur3(text: string, seed = 0): number {
  const { length } = text
  const blocks = length & ~3
  let hash = seed
  let at = 0
  for (; at < blocks; at += 4) {
    const block =
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24)
    hash ^= scramble(block)
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let shift = 0; at < length; at += 1, shift += 8) tail |= text.charCodeAt(at) << shift
  return fmix32(hash ^ scramble(tail) ^ length)
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}

export function fmix32(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
