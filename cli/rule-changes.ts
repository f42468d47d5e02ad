/** Changes of single rules, by their ids: `rules.ten-percent.percentage=50`. Pure. Throws `UsageError`. */
import { isObject } from '../engine/check.ts'
import { UsageError } from './failure.ts'
import { list } from './words.ts'

/** The field of a rule that a name means; an id may have dots, a field has none. */
const RULE_FIELD = /^rules\.(.+)\.([^.]+)$/

const isRuleChange = (name: string): boolean => RULE_FIELD.test(name)

/** `changes` as a merge patch of `flag`, which replaces lists as a whole: so all its rules go along with the one that changes. */
export function withRules(
  changes: Readonly<Record<string, unknown>>,
  flag: unknown,
): Record<string, unknown> {
  const all = Object.entries(changes)
  const ofRules = all.filter(([name]) => isRuleChange(name))
  if (ofRules.length === 0) return changes
  if (Object.hasOwn(changes, 'rules')) throw new UsageError('give either rules or single fields of them')
  let rules = isObject(flag) && Array.isArray(flag.rules) ? flag.rules.filter(isObject) : []
  for (const [name, value] of ofRules) {
    const [, id, field] = RULE_FIELD.exec(name)!
    const ids = rules.map((rule) => rule.id)
    if (!ids.includes(id))
      throw new UsageError(`${name}: there is no rule ${JSON.stringify(id)}; ${listed(ids)}`)
    rules = rules.map((rule) => (rule.id === id ? withField(rule, field!, value) : rule))
  }
  return { ...Object.fromEntries(all.filter(([name]) => !isRuleChange(name))), rules }
}

const listed = (ids: readonly unknown[]): string =>
  ids.length === 0 ? 'the flag has none' : `the flag has ${list(ids.map(String), 'and')}`

/** `null` removes the field. */
function withField(rule: Record<string, unknown>, field: string, value: unknown): Record<string, unknown> {
  const { [field]: _, ...others } = rule
  return value === null ? others : { ...rule, [field]: value }
}
