/**
 * Content of profiles of type `AWS.AppConfig.FeatureFlags`: what AWS refuses, what it adds, and what it gives to those
 * who retrieve it. Written from the type reference:
 * https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
 */

export interface Problem {
  /** JSON schema keyword, or the name of the attribute's constraint. */
  readonly Constraint: string
  readonly Location: string
  readonly Reason: string
  readonly Type: 'JSON_SCHEMA'
}

type Json = Readonly<Record<string, unknown>>

const KEY = /^[a-z][a-zA-Z\d_-]{0,63}$/
const NAME = /^[^\n]{1,64}$/
const MAX_TEXT = 1024
const MAX_ATTRIBUTES = 25
const MAX_VARIANTS = 32
const MAX_RULE = 16_384

/** Everything that is wrong; an empty list for content that AWS takes. */
export function problemsOf(content: unknown): Problem[] {
  const problems: Problem[] = []
  const report = (Location: string, Constraint: string, Reason: string): void => {
    problems.push({ Location, Constraint, Reason, Type: 'JSON_SCHEMA' })
  }
  new Content(report).check(content)
  return problems
}

class Content {
  readonly #report: (location: string, constraint: string, reason: string) => void

  constructor(report: (location: string, constraint: string, reason: string) => void) {
    this.#report = report
  }

  check(content: unknown): void {
    if (!this.#object('', content, ['version', 'flags', 'values'])) return
    if (content.version !== '1') this.#report('/version', 'enum', 'must be "1"')
    const flags = content.flags ?? {}
    const values = content.values ?? {}
    this.#map('/flags', flags, (at, flag) => this.#flag(at, flag))
    this.#map('/values', values, (at, value, key) => this.#value(at, value, attributesOf(flags, key)))
    if (isObject(values) && isObject(flags))
      for (const key of Object.keys(values))
        if (!Object.hasOwn(flags, key)) this.#report(`/values/${key}`, 'flag', 'value has no flag definition')
  }

  #flag(at: string, flag: unknown): void {
    const known = ['name', 'description', '_createdAt', '_updatedAt', '_deprecation', 'attributes']
    if (!this.#object(at, flag, known)) return
    if (flag.name !== undefined) this.#name(`${at}/name`, flag.name)
    if (flag.description !== undefined) this.#text(`${at}/description`, flag.description)
    const deprecation = flag._deprecation
    if (deprecation !== undefined && this.#object(`${at}/_deprecation`, deprecation, ['status', 'date']))
      if (deprecation.status !== undefined && deprecation.status !== 'planned')
        this.#report(`${at}/_deprecation/status`, 'enum', 'must be "planned"')
    if (flag.attributes === undefined) return
    this.#map(`${at}/attributes`, flag.attributes, (where, attribute) => {
      if (
        this.#object(where, attribute, ['description', 'constraints']) &&
        attribute.constraints !== undefined
      )
        this.#constraints(`${where}/constraints`, attribute.constraints)
    })
    this.#atMost(`${at}/attributes`, flag.attributes, MAX_ATTRIBUTES)
  }

  #constraints(at: string, constraints: unknown): void {
    const known = ['type', 'required', 'pattern', 'enum', 'minimum', 'maximum', 'elements']
    if (!this.#object(at, constraints, known)) return
    if (!['string', 'number', 'boolean', 'array'].includes(String(constraints.type)))
      this.#report(`${at}/type`, 'enum', 'must be string, number, boolean or array')
    if (constraints.pattern !== undefined && constraints.enum !== undefined)
      this.#report(at, 'not', 'must not have both pattern and enum')
  }

  #value(at: string, value: unknown, attributes: Json): void {
    if (!isObject(value)) return this.#report(at, 'type', 'must be an object')
    for (const [key, item] of Object.entries(value)) {
      if (['_createdAt', '_updatedAt', '_variants'].includes(key)) continue
      if (key === 'enabled') this.#boolean(`${at}/enabled`, item)
      else if (this.#key(at, key)) this.#attribute(`${at}/${key}`, item, attributes[key])
    }
    if (value._variants !== undefined) this.#variants(`${at}/_variants`, value._variants, attributes)
    else this.#required(at, value, attributes)
  }

  #variants(at: string, variants: unknown, attributes: Json): void {
    if (!Array.isArray(variants)) return this.#report(at, 'type', 'must be an array')
    if (variants.length > MAX_VARIANTS)
      this.#report(at, 'maxItems', `must have at most ${MAX_VARIANTS} variants`)
    for (const [index, variant] of variants.entries()) {
      const where = `${at}/${index}`
      if (!this.#object(where, variant, ['enabled', 'name', 'rule', 'attributeValues'])) continue
      this.#name(`${where}/name`, variant.name)
      this.#boolean(`${where}/enabled`, variant.enabled)
      const { rule = '', attributeValues = {} } = variant
      if (typeof rule !== 'string' || rule.length > MAX_RULE)
        this.#report(`${where}/rule`, 'maxLength', `must be a string of at most ${MAX_RULE} characters`)
      const last = index === variants.length - 1
      // "the default variant must be last, and it can't have rules"
      if (last !== (rule === ''))
        this.#report(`${where}/rule`, 'default', 'the last variant, and it alone, must have no rule')
      this.#map(`${where}/attributeValues`, attributeValues, (place, item, key) =>
        this.#attribute(place, item, attributes[key]),
      )
      if (isObject(attributeValues) && variant.enabled === true)
        this.#required(`${where}/attributeValues`, attributeValues, attributes)
    }
  }

  #attribute(at: string, value: unknown, attribute: unknown): void {
    const elements = Array.isArray(value) ? value : [value]
    const types = new Set(elements.map((item) => typeof item))
    const allowed = Array.isArray(value) ? ['string', 'number'] : ['string', 'number', 'boolean']
    if (types.size > 1 || [...types].some((type) => !allowed.includes(type)))
      return this.#report(at, 'oneOf', 'must be a string, number, boolean, or array of strings or of numbers')
    for (const item of elements)
      if (typeof item === 'string' && item.length > MAX_TEXT)
        this.#report(at, 'maxLength', `must be at most ${MAX_TEXT} characters`)
    if (!isObject(attribute)) return this.#report(at, 'attribute', 'is not defined for the flag')
    const constraints = attribute.constraints
    if (isObject(constraints)) this.#satisfies(at, value, constraints)
  }

  #satisfies(at: string, value: unknown, constraints: Json): void {
    const type = Array.isArray(value) ? 'array' : typeof value
    if (type !== constraints.type) return this.#report(at, 'type', `must be of type ${constraints.type}`)
    if (Array.isArray(value) && isObject(constraints.elements))
      for (const item of value) this.#satisfies(at, item, constraints.elements)
    const { minimum, maximum, pattern } = constraints
    if (typeof minimum === 'number' && (value as number) < minimum)
      this.#report(at, 'minimum', `must be at least ${minimum}`)
    if (typeof maximum === 'number' && (value as number) > maximum)
      this.#report(at, 'maximum', `must be at most ${maximum}`)
    if (typeof pattern === 'string' && !new RegExp(pattern).test(String(value)))
      this.#report(at, 'pattern', `must match ${pattern}`)
    if (Array.isArray(constraints.enum) && !constraints.enum.includes(value))
      this.#report(at, 'enum', `must be one of ${constraints.enum.join(', ')}`)
  }

  #required(at: string, values: Json, attributes: Json): void {
    for (const [key, attribute] of Object.entries(attributes)) {
      const constraints = isObject(attribute) ? attribute.constraints : undefined
      if (isObject(constraints) && constraints.required === true && !Object.hasOwn(values, key))
        this.#report(`${at}/${key}`, 'required', 'is required')
    }
  }

  #map(at: string, value: unknown, each: (at: string, item: unknown, key: string) => void): void {
    if (!isObject(value)) return this.#report(at, 'type', 'must be an object')
    for (const [key, item] of Object.entries(value)) if (this.#key(at, key)) each(`${at}/${key}`, item, key)
  }

  #object(at: string, value: unknown, known: readonly string[]): value is Json {
    if (!isObject(value)) {
      this.#report(at, 'type', 'must be an object')
      return false
    }
    for (const key of Object.keys(value))
      if (!known.includes(key)) this.#report(`${at}/${key}`, 'additionalProperties', 'is not known')
    return true
  }

  #key(at: string, key: string): boolean {
    if (KEY.test(key)) return true
    this.#report(`${at}/${key}`, 'patternProperties', `key must match ${KEY.source}`)
    return false
  }

  #name(at: string, value: unknown): void {
    if (typeof value !== 'string' || !NAME.test(value))
      this.#report(at, 'pattern', `must match ${NAME.source}`)
  }

  #text(at: string, value: unknown): void {
    if (typeof value !== 'string' || value.length > MAX_TEXT)
      this.#report(at, 'maxLength', `must be a string of at most ${MAX_TEXT} characters`)
  }

  #boolean(at: string, value: unknown): void {
    if (typeof value !== 'boolean') this.#report(at, 'type', 'must be true or false')
  }

  #atMost(at: string, value: unknown, most: number): void {
    if (isObject(value) && Object.keys(value).length > most)
      this.#report(at, 'maxProperties', `must have at most ${most} properties`)
  }
}

/** What AWS keeps: the content with times of its own on every flag and value. */
export function withTimes(content: Json, nowMs: number): Json {
  const at = new Date(nowMs).toISOString()
  const stamped = (map: unknown): Json =>
    Object.fromEntries(
      Object.entries((map ?? {}) as Record<string, Json>).map(([key, item]) => [
        key,
        { _createdAt: at, ...item, _updatedAt: at },
      ]),
    )
  return { flags: stamped(content.flags), values: stamped(content.values), version: content.version }
}

/**
 * What `GetLatestConfiguration` gives: no definitions, and of a flag that is off nothing but that. Variants are for AWS's
 * agent alone; what everybody else gets of such a flag is taken to be its default variant.
 */
export function retrieved(content: Json): Json {
  const values = (content.values ?? {}) as Record<string, Json>
  const keys = Object.keys((content.flags ?? {}) as Json)
  return Object.fromEntries(keys.map((key) => [key, retrievedFlag(values[key] ?? {})]))
}

function retrievedFlag(value: Json): Json {
  const { _createdAt, _updatedAt, _variants, ...plain } = value
  const variant = Array.isArray(_variants) ? (_variants.at(-1) as Json) : undefined
  const flag =
    variant === undefined ? plain : { enabled: variant.enabled, ...(variant.attributeValues as Json) }
  return flag.enabled === true ? { ...flag, enabled: true } : { enabled: false }
}

const attributesOf = (flags: unknown, key: string): Json => {
  const flag = isObject(flags) && Object.hasOwn(flags, key) ? flags[key] : undefined
  return isObject(flag) && isObject(flag.attributes) ? flag.attributes : {}
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
