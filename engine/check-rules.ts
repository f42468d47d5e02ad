/** Publish checks of what a flag serves, to whom, and to how many. Pure. */
import { type Check, child, type Fields, isKey, isObject, listed, type Path, show } from './check.ts'
import { checkCondition } from './condition.ts'

const MAX_RULES = 1000

export function checkRules(
  check: Check,
  path: Path,
  value: unknown,
  variants: ReadonlySet<string>,
  segments: ReadonlySet<string>,
): void {
  if (!check.array(path, value)) return
  if (value.length > MAX_RULES)
    return check.error(path, `a flag has at most ${MAX_RULES} rules, got ${value.length}`)
  const ids = new Set<string>()
  /** As it may stand in a sentence. */
  let certain: string | null = null
  for (const [at, rule] of value.entries()) {
    const where = child(path, at)
    const table: Fields = {
      id: (inner, id) => {
        if (
          !check.is(
            inner,
            typeof id === 'string' && /^\S.{0,127}$/.test(id),
            'must be a name of 1 to 128 characters',
            id,
          )
        )
          return
        if (ids.has(id as string)) check.error(inner, `rule id ${show(id)} is used twice in this flag`)
        ids.add(id as string)
      },
      description: (inner, text) => check.string(inner, text),
      when: (inner, condition) => checkCondition(check, inner, condition, segments),
      percentage: (inner, share) => checkShare(check, inner, share),
      serve: (inner, serve) => checkServe(check, inner, serve, variants),
    }
    if (!check.fields(where, rule, table, ['id', 'serve'])) continue
    if (certain !== null) check.warn(where, `rule can never match: rule ${certain} before it always does`)
    else if (rule.when === undefined && (rule.percentage === undefined || rule.percentage === 100))
      certain = show(String(rule.id))
  }
}

/** That a name is one of the flag's variants. */
export function checkVariant(check: Check, path: Path, name: unknown, variants: ReadonlySet<string>): void {
  if (check.string(path, name) && !variants.has(name)) {
    check.error(path, `unknown variant ${show(name)}; the flag has ${listed(variants)}`)
  }
}

/** A variant, or weights by variant. */
export function checkServe(check: Check, path: Path, value: unknown, variants: ReadonlySet<string>): void {
  if (typeof value === 'string') return checkVariant(check, path, value, variants)
  if (!isObject(value))
    return check.error(path, `must be a variant or weights by variant, got ${show(value)}`)
  let sum = 0
  for (const [name, weight] of Object.entries(value)) {
    checkVariant(check, child(path, name), name, variants)
    const valid = typeof weight === 'number' && weight >= 0 && Number.isFinite(weight)
    if (check.is(child(path, name), valid, 'must be a weight of at least 0', weight)) sum += weight as number
  }
  if (!(sum > 0)) check.error(path, 'weights must have a positive sum')
}

/** A percentage, or the rollout that sets it. */
function checkShare(check: Check, path: Path, value: unknown): void {
  if (isObject(value)) {
    check.fields(
      path,
      value,
      { rollout: (at, key) => check.is(at, isKey(key), 'must be the key of a rollout', key) },
      ['rollout'],
    )
  } else checkPercentage(check, path, value)
}

export function checkPercentage(check: Check, path: Path, value: unknown): void {
  if (!check.number(path, value, 0, 100)) return
  check.is(path, Math.round(value * 1000) / 1000 === value, 'must not be finer than 0.001', value)
}
