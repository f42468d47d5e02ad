/**
 * fast-check arbitraries of edits: small changes of a valid document of test/helpers/documents.ts, of the kinds that people
 * make. What comes out need not compile.
 */
import fc from 'fast-check'
import { FLAG_KEYS, validDocument } from '../helpers/documents.ts'

type Json = Record<string, unknown>
export interface Authored {
  flags: Record<string, unknown>
  segments: Record<string, unknown>
  routes?: unknown[]
}

/** Changes its argument in place. */
type Edit = (document: Authored) => void

const VARIANTS = ['off', 'on', 'blue', 'green']
const anyOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const flagKey = anyOf(...FLAG_KEYS)

/** An edit of one flag, if it is an object. */
const onFlag = (change: fc.Arbitrary<(flag: Json) => void>): fc.Arbitrary<Edit> =>
  fc.tuple(flagKey, change).map(([key, edit]) => (document) => {
    const flag = document.flags[key]
    if (typeof flag === 'object' && flag !== null) edit(flag as Json)
  })

/** An edit of a rule of one flag, if it has rules. */
const onRule = (change: fc.Arbitrary<(rule: Json, rules: Json[], at: number) => void>): fc.Arbitrary<Edit> =>
  onFlag(
    fc.tuple(fc.nat(), change).map(([index, edit]) => (flag) => {
      const rules = flag.rules as Json[] | undefined
      if (!rules?.length) return
      const at = index % rules.length
      edit(rules[at]!, rules, at)
    }),
  )

const scaled = (value: unknown, factor: number): unknown =>
  typeof value === 'number' ? Math.round(Math.min(100, value * factor) * 1000) / 1000 : value

const weights = (serve: unknown, edit: (table: Record<string, number>) => void): unknown => {
  if (typeof serve !== 'object' || serve === null) return serve
  const table = { ...(serve as Record<string, number>) }
  edit(table)
  return table
}

const factor = anyOf(0, 0.3, 0.5, 0.9, 1.2, 2)
const listEdit = fc.tuple(anyOf('user1', 'user2', 'user3', 'ada', 'pro', 'DE'), fc.boolean())
const withItem = (list: unknown, [item, add]: [string, boolean]): unknown[] => {
  const others = ((list as unknown[] | undefined) ?? []).filter((each) => each !== item)
  return add ? [...others, item] : others
}

const ruleEdits: fc.Arbitrary<Edit>[] = [
  onRule(
    factor.map((by) => (rule) => Object.assign(rule, { percentage: scaled(rule.percentage ?? 100, by) })),
  ),
  onRule(fc.constant((_, rules, at) => void rules.splice(at, 1))),
  onRule(fc.constant((_, rules, at) => void rules.unshift(...rules.splice(at, 1)))),
  onRule(anyOf(...VARIANTS).map((serve) => (rule) => Object.assign(rule, { serve }))),
  onRule(fc.constant((rule) => delete rule.when)),
  onRule(fc.constant((rule) => delete rule.percentage)),
  onRule(
    listEdit.map((edit) => (rule) => {
      const when = rule.when as Json | undefined
      if (when?.op === 'in') when.value = withItem(when.value, edit)
      else if (when) rule.when = { all: [when, { attribute: 'plan', op: 'in', value: ['pro', edit[0]] }] }
      else rule.when = { attribute: 'targetingKey', op: 'in', value: ['user1', edit[0]] }
    }),
  ),
  onRule(
    anyOf('listed', 'staff').map((segment) => (rule) => {
      rule.when = rule.when ? { all: [rule.when, { segment }] } : { segment }
    }),
  ),
  onRule(
    fc.tuple(anyOf(...VARIANTS), factor).map(([name, by]) => (rule) => {
      rule.serve = weights(rule.serve, (table) => Object.assign(table, { [name]: (table[name] ?? 1) * by }))
    }),
  ),
  onRule(
    factor.map((by) => (rule) => {
      rule.serve = weights(rule.serve, (table) => {
        for (const name of Object.keys(table)) if (name !== 'off') table[name] = table[name]! * by
      })
    }),
  ),
  onFlag(
    fc.tuple(fc.nat(), anyOf(...VARIANTS), anyOf(0, 20, 100)).map(([at, serve, percentage]) => (flag) => {
      const rules = flag.rules as Json[] | undefined
      rules?.splice(at % (rules.length + 1), 0, { id: 'added', percentage, serve })
    }),
  ),
]

const flagEdits: fc.Arbitrary<Edit>[] = [
  fc.tuple(flagKey, fc.boolean()).map(([key, enabled]) => (document) => {
    const flag = document.flags[key]
    document.flags[key] = typeof flag === 'object' && flag !== null ? { ...flag, enabled } : enabled
  }),
  onFlag(
    anyOf(...VARIANTS).map((serve) => (flag) => {
      if ('fallthrough' in flag) flag.fallthrough = serve
    }),
  ),
  onFlag(
    fc.tuple(anyOf(...VARIANTS), factor).map(([name, by]) => (flag) => {
      flag.fallthrough &&= weights(flag.fallthrough, (table) =>
        Object.assign(table, { [name]: (table[name] ?? 1) * by }),
      )
    }),
  ),
  onFlag(
    factor.map((by) => (flag) => {
      if ('percentage' in flag) flag.percentage = scaled(flag.percentage, by)
    }),
  ),
  onFlag(
    fc.tuple(anyOf('allowlist', 'denylist'), listEdit).map(([list, edit]) => (flag) => {
      if (list in flag) flag[list] = withItem(flag[list], edit)
    }),
  ),
  onFlag(
    anyOf<Json>({ salt: 'new' }, { bucketBy: 'plan' }, { off: 'blue' }, { tags: ['web'] }, { tags: [] }).map(
      (fields) => (flag) => void Object.assign(flag, fields),
    ),
  ),
  onFlag(
    fc
      .tuple(flagKey, fc.uniqueArray(anyOf(...VARIANTS), { minLength: 1 }))
      .map(([key, variants]) => (flag) => {
        const others = ((flag.prerequisites as Json[] | undefined) ?? []).filter((each) => each.flag !== key)
        flag.prerequisites = [...others, { flag: key, variants }]
      }),
  ),
  onFlag(fc.constant((flag) => void (flag.prerequisites as unknown[] | undefined)?.pop())),
  flagKey.map((key) => (document) => void delete document.flags[key]),
  fc.tuple(flagKey, validDocument).map(
    ([key, other]) =>
      (document) =>
        void Object.assign(document.flags, { [key]: (other.flags as Json)[key] }),
  ),
]

const segmentEdits: fc.Arbitrary<Edit>[] = [
  fc
    .tuple(anyOf('listed', 'staff'), anyOf('include', 'exclude'), listEdit)
    .map(([key, list, edit]) => (document) => {
      const segment = document.segments[key] as Json
      segment[list] = withItem(segment[list], edit)
    }),
  anyOf<unknown>({ attribute: 'plan', op: 'in', value: ['pro', 'basic'] }, { segment: 'listed' }).map(
    (when) => (document) => void Object.assign(document.segments.staff as Json, { when }),
  ),
  fc.constant((document) => void delete (document.segments.staff as Json).when),
]

const edit = fc.oneof(...ruleEdits, ...flagEdits, ...segmentEdits)

/** A route of a flag with all four variants, which lets a header choose one. */
const routeOf = (key: string): unknown => ({
  id: 'shop',
  match: {},
  flag: key,
  origins: Object.fromEntries(VARIANTS.map((name) => [name, { url: `https://${name}.example.com` }])),
  fallback: 'off',
  overrides: { header: { 'x-variant': { green: 'green' } } },
})

/** A document before and after one to three edits. */
export const edited: fc.Arbitrary<{ before: Authored; after: Authored }> = fc
  .tuple(validDocument, fc.array(edit, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([document, edits, routed]) => {
    const before = structuredClone(document) as Authored
    const { alpha } = before.flags
    if (routed && typeof alpha === 'object' && 'variants' in alpha!) before.routes = [routeOf('alpha')]
    const after = structuredClone(before)
    for (const apply of edits) apply(after)
    return { before, after }
  })
