/**
 * What the rule of a variant means in Turnout's own language: alternatives, each a condition and perhaps a percentage.
 * What that language cannot say is a problem with its place, and never left out. Pure. Never throws.
 */
import { type Condition, err, type JsonValue, type Operator, ok, type Result } from '../../../engine/index.ts'
import { patternProblem } from '../../../engine/pattern.ts'
import { type Expression, type Operand, parseRule, type RuleProblem, type Span } from './expression.ts'
import { withTargetingKey } from './targeting-key.ts'

/** `(split pct:: by:: seed::)`. */
export interface Split {
  /** Percent, 0 to 100 in steps of 0.001. */
  readonly percentage: number
  readonly by: string
  readonly seed: string | null
  readonly span: Span
  /** Of the number behind `pct::`. */
  readonly percentageSpan: Span
}

/** Holds where all conditions hold and, if there is one, the bucket is below the split's percentage. */
export interface Alternative {
  readonly conditions: readonly Condition[]
  readonly split: Split | null
}

export interface Rule {
  readonly alternatives: readonly Alternative[]
  /** In the order of the text. */
  readonly splits: readonly Split[]
}

/** Rules of one variant that come of one text; beyond it the text is refused. */
const MAX_ALTERNATIVES = 32

/** `targetingKeys`: context values of AWS's that are the targeting key. */
export function readRule(text: string, targetingKeys: readonly string[] = []): Result<Rule, RuleProblem> {
  const parsed = parseRule(text)
  if (!parsed.ok) return parsed
  const expression = withTargetingKey(parsed.value, targetingKeys)
  try {
    return ok({ alternatives: alternativesOf(expression), splits: splitsIn(expression) })
  } catch (problem) {
    if (problem instanceof Unsaid) return err({ at: problem.at, message: problem.message })
    throw problem
  }
}

class Unsaid extends Error {
  readonly at: number
  constructor({ from }: Span, message: string) {
    super(message)
    this.at = from
  }
}

function alternativesOf(expression: Expression): Alternative[] {
  if (!hasSplit(expression)) return [{ conditions: [conditionOf(expression)], split: null }]
  const { operator, span } = expression
  if (operator === 'split') return [{ conditions: [], split: splitOf(expression) }]
  if (operator === 'or') return bounded(span, expressionsIn(expression).flatMap(alternativesOf))
  if (operator === 'and')
    return expressionsIn(expression)
      .map(alternativesOf)
      .reduce((left, right) =>
        bounded(
          span,
          left.flatMap((one) => right.map((other) => both(one, other))),
        ),
      )
  throw new Unsaid(span, `"${operator}" around a split cannot be expressed`)
}

function bounded(span: Span, alternatives: Alternative[]): Alternative[] {
  if (alternatives.length > MAX_ALTERNATIVES)
    throw new Unsaid(span, `has more than ${MAX_ALTERNATIVES} combinations around its splits`)
  return alternatives
}

/** Below both percentages is below the smaller one, as long as both cut the same buckets. */
function both(one: Alternative, other: Alternative): Alternative {
  const conditions = [...one.conditions, ...other.conditions]
  if (one.split === null || other.split === null) return { conditions, split: one.split ?? other.split }
  if (!sameBuckets(one.split, other.split))
    throw new Unsaid(other.split.span, 'splits by another value or seed than the split before it')
  return { conditions, split: one.split.percentage <= other.split.percentage ? one.split : other.split }
}

export const sameBuckets = (one: Split, other: Split): boolean =>
  one.by === other.by && one.seed === other.seed

function hasSplit({ operator, operands }: Expression): boolean {
  return (
    operator === 'split' || operands.some(({ operand }) => operand.kind === 'expression' && hasSplit(operand))
  )
}

function splitsIn(expression: Expression): Split[] {
  if (expression.operator === 'split') return [splitOf(expression)]
  return expression.operands.flatMap(({ operand }) =>
    operand.kind === 'expression' ? splitsIn(operand) : [],
  )
}

function splitOf(expression: Expression): Split {
  const { pct, by, seed } = named(expression, ['pct', 'by'], ['seed'])
  const percentage = pct!.kind === 'number' ? pct!.value : Number.NaN
  if (!(percentage >= 0 && percentage <= 100))
    throw new Unsaid(pct!.span, 'pct:: must be a number from 0 to 100')
  if (Math.round(percentage * 1000) / 1000 !== percentage)
    throw new Unsaid(pct!.span, 'pct:: must not be finer than 0.001')
  if (by!.kind !== 'context') throw new Unsaid(by!.span, 'by:: must be a context value such as $userId')
  if (seed !== undefined && (seed.kind !== 'string' || seed.value === ''))
    throw new Unsaid(seed.span, 'seed:: must be a string that is not empty')
  return {
    percentage,
    by: by!.value,
    seed: seed === undefined ? null : (seed.value as string),
    span: expression.span,
    percentageSpan: pct!.span,
  }
}

// Conditions: one row an operator.

const CONDITIONS: Readonly<Record<string, (expression: Expression) => Condition>> = {
  and: (expression) => ({ all: expressionsIn(expression).map(conditionOf) }),
  or: (expression) => ({ any: expressionsIn(expression).map(conditionOf) }),
  not: (expression) => {
    const [only, ...more] = expressionsIn(expression)
    if (more.length > 0) throw new Unsaid(more[0]!.span, '"not" takes one expression')
    return { not: conditionOf(only!) }
  },
  eq: (expression) => compared(expression, equal),
  gt: (expression) => compared(expression, ordered('gt', 'lt', 'after', 0)),
  gte: (expression) => compared(expression, ordered('gte', 'lte', 'after', -1)),
  lt: (expression) => compared(expression, ordered('lt', 'gt', 'before', 0)),
  lte: (expression) => compared(expression, ordered('lte', 'gte', 'before', 1)),
  begins_with: (expression) => textual(expression, 'startsWith'),
  ends_with: (expression) => textual(expression, 'endsWith'),
  contains: (expression) => textual(expression, 'contains'),
  in: (expression) => {
    const [attribute, list] = twoOperands(expression)
    if (list.kind !== 'list') throw new Unsaid(list.span, '"in" takes a list such as ["a", "b"]')
    return is(contextIn(attribute), 'in', list.items.map(constantOf))
  },
  matches: (expression) => {
    const { in: attribute, pattern } = named(expression, ['in', 'pattern'], [])
    if (pattern!.kind !== 'string') throw new Unsaid(pattern!.span, 'pattern:: must be a string')
    const source = trimmedPattern(pattern!.value)
    const problem = patternProblem(source)
    if (problem !== null) throw new Unsaid(pattern!.span, `the pattern ${problem}`)
    return is(contextIn(attribute!), 'matches', source)
  },
  exists: (expression) => {
    const { key } = named(expression, ['key'], [])
    if (key!.kind !== 'string' || key!.value === '')
      throw new Unsaid(key!.span, 'key:: must be the name of a context value')
    return is(key!.value, 'exists', true)
  },
}

export const RULE_OPERATORS: readonly string[] = [...Object.keys(CONDITIONS), 'split']

function conditionOf(expression: Expression): Condition {
  const { operator, span } = expression
  const condition = Object.hasOwn(CONDITIONS, operator) ? CONDITIONS[operator] : undefined
  if (condition === undefined)
    throw new Unsaid(span, `unknown operator "${operator}"; known are ${RULE_OPERATORS.join(', ')}`)
  return condition(expression)
}

type Constant = string | number | boolean

/** The comparison of a context value with a constant, whichever stands first. */
type Comparison = (attribute: string, constant: Operand, mirrored: boolean) => Condition

function compared(expression: Expression, comparison: Comparison): Condition {
  const [left, right] = twoOperands(expression)
  if (left.kind === 'context') return comparison(left.value, right, false)
  if (right.kind === 'context') return comparison(right.value, left, true)
  throw new Unsaid(expression.span, `"${expression.operator}" must compare a context value such as $country`)
}

const equal: Comparison = (attribute, constant) =>
  constant.kind === 'timestamp'
    ? {
        all: [
          is(attribute, 'after', iso(constant.value - 1)),
          is(attribute, 'before', iso(constant.value + 1)),
        ],
      }
    : is(attribute, 'equals', constantOf(constant))

/** Times are compared to the millisecond: at or after t is after t - 1 ms. */
function ordered(
  plain: Operator,
  mirroredOperator: Operator,
  time: 'after' | 'before',
  shiftMs: number,
): Comparison {
  return (attribute, constant, mirrored) => {
    if (constant.kind === 'number') return is(attribute, mirrored ? mirroredOperator : plain, constant.value)
    if (constant.kind !== 'timestamp')
      throw new Unsaid(constant.span, `"${plain}" compares with a number or a time`)
    if (!mirrored) return is(attribute, time, iso(constant.value + shiftMs))
    return is(attribute, time === 'after' ? 'before' : 'after', iso(constant.value - shiftMs))
  }
}

function textual(expression: Expression, operator: Operator): Condition {
  const [attribute, text] = twoOperands(expression)
  if (text.kind !== 'string') throw new Unsaid(text.span, `"${expression.operator}" takes a string`)
  return is(contextIn(attribute), operator, text.value)
}

const is = (attribute: string, op: Operator, value: JsonValue): Condition => ({ attribute, op, value })

function contextIn(operand: Operand): string {
  if (operand.kind !== 'context') throw new Unsaid(operand.span, 'expected a context value such as $country')
  return operand.value
}

function constantOf(operand: Operand): Constant {
  if (operand.kind === 'string' || operand.kind === 'number' || operand.kind === 'boolean')
    return operand.value
  const what = {
    context: 'two context values',
    timestamp: 'a time in a list',
    list: 'a list',
    expression: 'an expression',
  }
  throw new Unsaid(operand.span, `a comparison with ${what[operand.kind]} cannot be expressed`)
}

function twoOperands({ operator, operands, span }: Expression): [Operand, Operand] {
  const [first, second, more] = operands
  if (first === undefined || second === undefined || more !== undefined)
    throw new Unsaid(more?.operand.span ?? span, `"${operator}" takes two values`)
  for (const { name, operand } of operands)
    if (name !== null) throw new Unsaid(operand.span, `"${operator}" takes no ${name}::`)
  return [first.operand, second.operand]
}

function expressionsIn({ operator, operands, span }: Expression): [Expression, ...Expression[]] {
  const expressions = operands.map(({ name, operand }) => {
    if (operand.kind !== 'expression' || name !== null)
      throw new Unsaid(operand.span, `"${operator}" takes expressions in parentheses`)
    return operand
  })
  if (expressions.length === 0) throw new Unsaid(span, `"${operator}" takes at least one expression`)
  return expressions as [Expression, ...Expression[]]
}

function named(
  { operator, operands, span }: Expression,
  required: readonly string[],
  optional: readonly string[],
): Readonly<Record<string, Operand | undefined>> {
  const known = [...required, ...optional]
  const found = new Map<string, Operand>()
  for (const { name, operand } of operands) {
    if (name === null || !known.includes(name))
      throw new Unsaid(operand.span, `"${operator}" takes ${known.map((each) => `${each}::`).join(', ')}`)
    if (found.has(name)) throw new Unsaid(operand.span, `${name}:: is given twice`)
    found.set(name, operand)
  }
  for (const name of required) if (!found.has(name)) throw new Unsaid(span, `"${operator}" needs ${name}::`)
  return Object.fromEntries(found)
}

/** A pattern matches anywhere, so `.*` at its ends says nothing, and costs much. */
const trimmedPattern = (pattern: string): string =>
  pattern.includes('|')
    ? pattern
    : pattern.replace(/^(?:\.\*)+(?![?+*{])/, '').replace(/(?<=^|[^\\])(?:\.\*)+$/, '')

const iso = (ms: number): string => new Date(ms).toISOString()
