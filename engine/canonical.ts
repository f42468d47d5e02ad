/** The canonical form of a flag: short forms written out as rules, defaults filled in. Pure. */
import { isObject } from './check.ts'
import type {
  CanonicalFlag,
  Condition,
  Flag,
  FlagDocument,
  JsonValue,
  Name,
  Rule,
  ShortFlag,
} from './document.ts'

export const DEFAULT_VARIANTS: Readonly<Record<Name, JsonValue>> = { on: true, off: false }

/** A document without `flags`, `routes` or `segments` is a bare map of flags. */
export function readDocument(document: Record<string, unknown>): Record<string, unknown> {
  const authored = ['flags', 'routes', 'segments'].some((part) => Object.hasOwn(document, part))
  return authored ? document : { flags: document }
}

/** A flag without `rules`, `fallthrough` and `variants` is a short form. */
export const isShortFlag = (flag: unknown): boolean =>
  !isObject(flag) || !['rules', 'fallthrough', 'variants'].some((field) => Object.hasOwn(flag, field))

/** `true`, `false`, `"true"` or `"false"` as a boolean; `null` for anything else. */
export const bareBoolean = (flag: unknown): boolean | null =>
  flag === true || flag === 'true' ? true : flag === false || flag === 'false' ? false : null

/**
 * The canonical form of a valid flag: what a short form means, with `variants`, `off` and `rules` always present.
 * `$.flags[key]` of a document that `compile` accepts.
 */
export function canonicalFlag(flag: Flag | ShortFlag): CanonicalFlag {
  const bare = bareBoolean(flag)
  if (bare !== null)
    return { enabled: bare, variants: { ...DEFAULT_VARIANTS }, off: 'off', rules: [], fallthrough: 'on' }
  if (!isShortFlag(flag)) {
    const full = flag as Flag
    return {
      ...full,
      variants: full.variants ?? { ...DEFAULT_VARIANTS },
      off: full.off ?? 'off',
      rules: full.rules ?? [],
    }
  }
  return expand(flag as Exclude<ShortFlag, boolean | string>)
}

function expand(flag: Exclude<ShortFlag, boolean | string>): CanonicalFlag {
  const {
    percentage,
    rolloutPercentage,
    allowlist,
    allowedUsers,
    denylist,
    countries,
    continents,
    regions,
    ...common
  } = flag
  const share = percentage ?? rolloutPercentage
  const place = placeCondition(countries, continents, regions)
  const rules: Rule[] = []
  if (denylist)
    rules.push({
      id: 'denylist',
      when: { attribute: 'targetingKey', op: 'in', value: denylist },
      serve: 'off',
    })
  const allowed = allowlist ?? allowedUsers
  if (allowed)
    rules.push({
      id: 'allowlist',
      when: { attribute: 'targetingKey', op: 'in', value: allowed },
      serve: 'on',
    })
  const limited = share !== undefined || place !== undefined
  if (limited) {
    const rule: Rule = { id: 'percentage', serve: 'on' }
    if (place) rule.when = place
    if (share !== undefined) rule.percentage = share
    rules.push(rule)
  }
  return {
    ...common,
    variants: { ...DEFAULT_VARIANTS },
    off: 'off',
    rules,
    fallthrough: limited ? 'off' : 'on',
  }
}

/** In any of the places: a country, a continent, or a region by name or code. */
function placeCondition(
  countries?: string[],
  continents?: string[],
  regions?: string[],
): Condition | undefined {
  const tests: [string, string[] | undefined][] = [
    ['geo.country', countries],
    ['geo.continent', continents],
    ['geo.region', regions],
    ['geo.regionCode', regions],
  ]
  const any = tests.flatMap(([attribute, value]) => (value ? [{ attribute, op: 'in' as const, value }] : []))
  return any.length === 0 ? undefined : any.length === 1 ? any[0] : { any }
}

/** The whole document in canonical form. */
export function canonicalDocument(document: FlagDocument): FlagDocument {
  const read = readDocument(document as unknown as Record<string, unknown>) as unknown as FlagDocument
  const flags = Object.entries(read.flags ?? {}).map(([key, flag]) => [key, canonicalFlag(flag)])
  return { ...read, flags: Object.fromEntries(flags) }
}
