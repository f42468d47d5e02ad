/** A flag of several variants as a flag of Turnout's: a variant of AWS's is a variant, and its rule one or more rules. Pure. */
import { type Check, child, isObject, type Path } from '../../../engine/check.ts'
import type { Flag, JsonValue, Rule } from '../../../engine/index.ts'
import { showPosition } from './expression.ts'
import { AWS_FIELDS, isOffVariant, MAX_VARIANTS, type Variant } from './profile.ts'
import { type Rule as AwsRule, readRule, type Split, sameBuckets } from './rule.ts'
import { TARGETING_KEY } from './targeting-key.ts'
import { turnoutNames } from './variant-names.ts'

/** Name of the variant that is made where AWS has none that is off. */
const MADE_OFF = 'off'

/** Notes what is wrong; null then. `path` is that of the value. */
export function readVariants(
  check: Check,
  path: Path,
  value: Record<string, unknown>,
  targetingKeys: readonly string[],
): Flag | null {
  const before = check.errorCount
  for (const name of Object.keys(value))
    if (name !== 'enabled' && !AWS_FIELDS.includes(name))
      check.error(
        child(path, name),
        'an attribute beside _variants belongs into attributeValues of a variant',
      )
  const at = child(path, '_variants')
  if (!check.array(at, value._variants)) return null
  const all = value._variants
  if (all.length > MAX_VARIANTS) check.error(at, `has at most ${MAX_VARIANTS} variants, got ${all.length}`)
  const skipped = isOffVariant(all[0]) ? 1 : 0
  if (all.length === skipped) check.error(at, 'must have a default variant')
  const variants = all
    .slice(skipped)
    .filter((variant, index) => isVariant(check, child(at, index + skipped), variant))
  if (check.errorCount > before) return null
  const read = new Variants(
    check,
    (index) => child(at, index + skipped),
    variants as readonly Variant[],
    targetingKeys,
  )
  const flag = read.flag(skipped === 0 && value.enabled !== false)
  return check.errorCount > before ? null : flag
}

function isVariant(check: Check, path: Path, value: unknown): value is Variant {
  const fields = {
    name: (at: Path, name: unknown) =>
      check.is(
        at,
        typeof name === 'string' && /^[^\n]{1,64}$/.test(name),
        'must be a line of 1 to 64 characters',
        name,
      ),
    enabled: (at: Path, enabled: unknown) => check.boolean(at, enabled),
    rule: (at: Path, rule: unknown) => check.string(at, rule),
    attributeValues: (at: Path, values: unknown) => check.object(at, values),
  }
  return check.fields(path, value, fields, ['name', 'enabled'])
}

class Variants {
  readonly #check: Check
  readonly #at: (index: number) => Path
  readonly #variants: readonly Variant[]
  readonly #names: readonly string[]
  readonly #targetingKeys: readonly string[]
  /** The split that all others must agree with. */
  #split: { readonly split: Split; readonly variant: string } | null = null

  constructor(
    check: Check,
    at: (index: number) => Path,
    variants: readonly Variant[],
    targetingKeys: readonly string[],
  ) {
    this.#check = check
    this.#at = at
    this.#variants = variants
    this.#targetingKeys = targetingKeys
    this.#names = turnoutNames(variants.map(({ name }) => name))
  }

  flag(enabled: boolean): Flag {
    const values = this.#values()
    const rules = this.#variants.flatMap((variant, index) => this.#rules(variant, index))
    const off = this.#off()
    const split = this.#split?.split
    return {
      enabled,
      variants: off.made
        ? { ...values, [off.name]: hasAttributes(this.#variants) ? { enabled: false } : false }
        : values,
      off: off.name,
      rules,
      fallthrough: this.#names.at(-1)!,
      ...(split === undefined || split.by === TARGETING_KEY ? {} : { bucketBy: split.by }),
      ...(split === undefined || split.seed === null ? {} : { salt: split.seed }),
    }
  }

  /** What a variant gives: a boolean, or, if any has attributes, the object that AWS's agent would give. */
  #values(): Record<string, JsonValue> {
    const plain = !hasAttributes(this.#variants)
    return Object.fromEntries(
      this.#variants.map(({ enabled, attributeValues }, index) => [
        this.#names[index]!,
        plain ? enabled : ({ enabled, ...attributeValues } as JsonValue),
      ]),
    )
  }

  #rules({ name, rule = '' }: Variant, index: number): Rule[] {
    const at = child(this.#at(index), 'rule')
    const isDefault = index === this.#variants.length - 1
    if (isDefault !== (rule.trim() === '')) {
      this.#check.error(
        at,
        isDefault
          ? 'the last variant is the default and has no rule'
          : 'only the last variant may have no rule',
      )
      return []
    }
    if (isDefault) return []
    const read = readRule(rule, this.#targetingKeys)
    if (!read.ok) {
      this.#check.error(at, `${showPosition(rule, read.error.at)}: ${read.error.message}`)
      return []
    }
    return this.#turnoutRules(at, { name, rule }, read.value, this.#names[index]!)
  }

  #turnoutRules(
    at: Path,
    { name, rule }: Required<Pick<Variant, 'name' | 'rule'>>,
    read: AwsRule,
    serve: string,
  ): Rule[] {
    return read.alternatives.map(({ conditions, split }, index) => {
      if (split !== null) this.#agree(at, rule, split, name)
      return {
        id: index === 0 ? serve : `${serve}:${index + 1}`,
        ...(conditions.length === 0
          ? {}
          : { when: conditions.length === 1 ? conditions[0]! : { all: [...conditions] } }),
        ...(split === null ? {} : { percentage: split.percentage }),
        serve,
      }
    })
  }

  /** A flag of Turnout's has one hash: its splits all cut by the same value and seed. */
  #agree(at: Path, rule: string, split: Split, variant: string): void {
    if (this.#split === null) this.#split = { split, variant }
    else if (!sameBuckets(this.#split.split, split))
      this.#check.error(
        at,
        `${showPosition(rule, split.span.from)}: all splits of a flag must have the same by:: and seed::, as in variant "${this.#split.variant}"`,
      )
  }

  /** Served while the flag is off or killed: the default if that is off, else the first that is, else one that is made. */
  #off(): { readonly name: string; readonly made: boolean } {
    const last = this.#variants.length - 1
    const index = this.#variants[last]!.enabled ? this.#variants.findIndex(({ enabled }) => !enabled) : last
    if (index >= 0) return { name: this.#names[index]!, made: false }
    let name = MADE_OFF
    while (this.#names.includes(name)) name = `${name}-`
    return { name, made: true }
  }
}

const hasAttributes = (variants: readonly Variant[]): boolean =>
  variants.some(
    ({ attributeValues = {} }) => isObject(attributeValues) && Object.keys(attributeValues).length > 0,
  )
