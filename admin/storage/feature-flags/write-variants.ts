/**
 * Changes of a flag with variants: its switch, what its variants give, and the percentage of a split. Everything else of
 * such a flag is AWS's alone; the caller finds out by reading back. Pure.
 */
import { type Check, isObject, type Path } from '../../../engine/check.ts'
import type { Flag, JsonValue } from '../../../engine/index.ts'
import { isOffVariant, MAX_VARIANTS, OFF_VARIANT, type Value, type Variant } from './profile.ts'
import { readRule } from './rule.ts'
import { turnoutNames } from './variant-names.ts'

export type VariantsValue = Value & { readonly _variants: readonly Variant[] }

/** The value with these changes; null, and an error, where there is no room for one. */
export function writeVariants(check: Check, path: Path, value: VariantsValue, flag: Flag): Value | null {
  const { _variants: all } = value
  const variants = isOffVariant(all[0]) ? all.slice(1) : all
  const names = turnoutNames(variants.map(({ name }) => name))
  const written = variants.map((variant, at) =>
    withRule(withValue(variant, flag.variants?.[names[at]!]), names[at]!, flag),
  )
  // Where AWS itself says `enabled: false` beside the variants, that is enough.
  if (flag.enabled || value.enabled === false)
    return {
      ...value,
      ...(flag.enabled && value.enabled === false ? { enabled: true } : {}),
      _variants: written,
    }
  if (written.length < MAX_VARIANTS) return { ...value, _variants: [OFF_VARIANT, ...written] }
  check.error(path, `has ${MAX_VARIANTS} variants, and there is no room for the one that turns it off`)
  return null
}

function withValue(variant: Variant, value: JsonValue | undefined): Variant {
  if (typeof value === 'boolean') return variant.enabled === value ? variant : { ...variant, enabled: value }
  if (!isObject(value) || typeof value.enabled !== 'boolean') return variant
  const { enabled, ...attributes } = value
  const { attributeValues = {} } = variant
  const same = JSON.stringify(attributeValues) === JSON.stringify(attributes)
  return {
    ...variant,
    enabled,
    ...(same ? {} : { attributeValues: attributes as Variant['attributeValues'] & object }),
  }
}

/** A rule with one split gets the percentage that Turnout's rule has now; its text is otherwise the same. */
function withRule(variant: Variant, name: string, flag: Flag): Variant {
  const percentage = flag.rules?.find(
    ({ serve, percentage }) => serve === name && percentage !== undefined,
  )?.percentage
  if (typeof percentage !== 'number' || variant.rule === undefined) return variant
  const read = readRule(variant.rule)
  const [split, another] = read.ok ? read.value.splits : []
  if (split === undefined || another !== undefined || split.percentage === percentage) return variant
  const { from, to } = split.percentageSpan
  return { ...variant, rule: variant.rule.slice(0, from) + percentage + variant.rule.slice(to) }
}
