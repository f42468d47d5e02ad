/**
 * AWS's rules name whom they split, `by::$userId`, as they name any context value. OpenFeature has a place of its own for that,
 * the targeting key. Where the operator says which names mean it, they do. Pure.
 */
import type { Expression, Operand } from './expression.ts'

/** Turnout's own name of it. */
export const TARGETING_KEY = 'targetingKey'

/** The expression with each of these context values read as the targeting key. */
export function withTargetingKey(expression: Expression, names: readonly string[]): Expression {
  return names.length === 0 ? expression : renamed(expression, new Set(names))
}

const renamed = (expression: Expression, names: ReadonlySet<string>): Expression => ({
  ...expression,
  operands: expression.operands.map(({ name, operand }) => ({
    name,
    operand: renamedOperand(operand, names, expression.operator === 'exists' && name === 'key'),
  })),
})

/** `isName`: a text that names a context value, as `exists` has it. */
function renamedOperand(operand: Operand, names: ReadonlySet<string>, isName: boolean): Operand {
  if (operand.kind === 'expression') return renamed(operand, names)
  const isContext = operand.kind === 'context' || (isName && operand.kind === 'string')
  return isContext && names.has(operand.value) ? { ...operand, value: TARGETING_KEY } : operand
}
