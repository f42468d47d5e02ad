/** Conditions: checks an authored one and packs it for the snapshot. Pure. */
import { type Check, child, type Fields, isObject, type Path, show } from './check.ts'
import type { Condition, JsonValue } from './document.ts'
import { OPERATORS, type Operator, operands } from './operators.ts'
import { A_CONTINENT, A_COUNTRY, isContinent, isCountry } from './places.ts'
import type { PackedCondition } from './snapshot.ts'

/** How deep `all`, `any` and `not` may nest. */
const MAX_CONDITION_DEPTH = 32

/** Notes every error of a condition; `segments` are the names that exist. */
export function checkCondition(
  check: Check,
  path: Path,
  value: unknown,
  segments: ReadonlySet<string>,
  depth = 0,
): void {
  if (depth > MAX_CONDITION_DEPTH)
    return check.error(path, `conditions must not nest deeper than ${MAX_CONDITION_DEPTH}`)
  if (!check.object(path, value)) return
  const forms = ['all', 'any', 'not', 'segment', 'attribute'].filter((form) => Object.hasOwn(value, form))
  if (forms.length !== 1) {
    return check.error(
      path,
      `a condition has exactly one of all, any, not, segment, attribute, got ${show(Object.keys(value))}`,
    )
  }
  const nested = (at: Path, inner: unknown): void => checkCondition(check, at, inner, segments, depth + 1)
  const list = (at: Path, inner: unknown): void => {
    if (check.array(at, inner)) for (const [index, item] of inner.entries()) nested(child(at, index), item)
  }
  if (forms[0] === 'attribute') return checkTest(check, path, value)
  const fields: Fields = {
    all: list,
    any: list,
    not: nested,
    segment: (at, key) => {
      if (check.string(at, key) && !segments.has(key)) check.error(at, `unknown segment ${show(key)}`)
    },
  }
  check.fields(path, value, { [forms[0]!]: fields[forms[0]!]! })
}

function checkTest(check: Check, path: Path, value: Record<string, unknown>): void {
  const { op, attribute } = value
  check.fields(
    path,
    value,
    { attribute: (at, name) => attributePath(check, at, name), op: () => {}, value: () => {} },
    ['op'],
  )
  if (op === undefined || !check.oneOf(child(path, 'op'), op, OPERATORS)) return
  if (value.value === undefined)
    return check.error(child(path, 'value'), `"value" is required by operator ${op}`)
  const problem = operands[op as Operator](value.value)
  if (problem) check.error(child(path, 'value'), `value of operator ${op} ${problem}`)
  else checkPlace(check, child(path, 'value'), attribute, op as Operator, value.value)
}

/** Codes compared with the edge's own place attributes must exist: a misspelt country would never match. */
function checkPlace(check: Check, path: Path, attribute: unknown, op: Operator, operand: unknown): void {
  const [known, kind] =
    attribute === 'geo.country'
      ? [isCountry, A_COUNTRY]
      : attribute === 'geo.continent'
        ? [isContinent, A_CONTINENT]
        : [null, '']
  if (known === null || (op !== 'equals' && op !== 'in')) return
  for (const code of Array.isArray(operand) ? operand : [operand])
    check.is(path, known(code), `must be ${kind}`, code)
}

export function attributePath(check: Check, path: Path, value: unknown): void {
  check.is(
    path,
    typeof value === 'string' && value !== '' && value.length <= 256,
    'must be an attribute name or dotted path',
    value,
  )
}

/** A checked condition as the snapshot carries it. */
export function packCondition(condition: Condition): PackedCondition {
  if ('all' in condition) return ['all', ...condition.all.map(packCondition)]
  if ('any' in condition) return ['any', ...condition.any.map(packCondition)]
  if ('not' in condition) return ['not', packCondition(condition.not)]
  if ('segment' in condition) return ['segment', condition.segment]
  return ['is', condition.op, condition.attribute, condition.value as JsonValue]
}

/** Names of the segments a condition mentions, for the search of cycles. */
export function segmentsOf(condition: unknown, found: string[] = [], depth = 0): string[] {
  if (!isObject(condition) || depth > MAX_CONDITION_DEPTH) return found
  if (typeof condition.segment === 'string') found.push(condition.segment)
  for (const inner of [condition.all, condition.any].flat()) segmentsOf(inner, found, depth + 1)
  segmentsOf(condition.not, found, depth + 1)
  return found
}
