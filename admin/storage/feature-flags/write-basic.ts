/**
 * A flag as the attributes of a basic flag. What an attribute can hold is one; the rest, such as rules and variants, stands
 * as JSON in the attribute `turnout`. Pure.
 */
import { isObject } from '../../../engine/check.ts'
import { chunksOf } from './chunks.ts'
import { isAllowedKey, RESERVED } from './key.ts'
import { type Attribute, AWS_FIELDS, type Definition, MAX_TEXT, SHORT_FIELDS, type Value } from './profile.ts'
import { isAttribute } from './read-basic.ts'

/** The value with the flag's attributes and no others; what did not change keeps its place and its JSON. */
export function writeBasic(value: Value, flag: Readonly<Record<string, unknown>>): Value {
  const wanted = attributesOf(value, flag)
  const { _variants, ...rest } = value
  const kept = Object.entries(rest).filter(
    ([name]) => name.startsWith('_') || name === 'enabled' || wanted.has(name),
  )
  const next = new Map<string, unknown>([...kept, ...wanted])
  return { ...Object.fromEntries(next), enabled: flag.enabled === true }
}

function attributesOf(value: Value, flag: Readonly<Record<string, unknown>>): Map<string, Attribute> {
  const wanted = new Map<string, Attribute>()
  const rest = new Map<string, unknown>()
  for (const [name, field] of Object.entries(flag)) {
    if (name === 'enabled' || name === 'description') continue
    if (name === 'metadata' && isObject(field)) {
      const left = metadataInto(wanted, value, field)
      if (left.length > 0 || Object.keys(field).length === 0) rest.set(name, Object.fromEntries(left))
    } else if (SHORT_FIELDS.includes(name) && fits(field)) wanted.set(name, field)
    else rest.set(name, field)
  }
  return rest.size === 0 ? wanted : wanted.set(RESERVED, chunksOf(Object.fromEntries(rest)))
}

/** Answers what cannot be an attribute by its name or its value. */
function metadataInto(
  wanted: Map<string, Attribute>,
  value: Value,
  metadata: Record<string, unknown>,
): [string, unknown][] {
  const isName = (name: string): boolean =>
    isAllowedKey(name) && ![...SHORT_FIELDS, 'enabled', RESERVED].includes(name)
  return Object.entries(metadata).filter(([name, item]) => {
    if (!isName(name) || !fits(item)) return true
    wanted.set(name, listBehind(value[name], item))
    return false
  })
}

/** A list was read as its JSON; text that is still a list's JSON stays a list. */
function listBehind(was: unknown, text: Attribute): Attribute {
  if (!Array.isArray(was) || typeof text !== 'string') return text
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && isAttribute(list) && JSON.stringify(list) === text
      ? (list as string[])
      : text
  } catch {
    return text
  }
}

function fits(value: unknown): value is Attribute {
  if (!isAttribute(value)) return false
  const texts = Array.isArray(value) ? value : [value]
  return texts.every((text) => typeof text !== 'string' || text.length <= MAX_TEXT)
}

/** AWS takes no attribute that is not defined: the definition with those that it lacks. */
export function definitionsFor(definition: Definition, value: Value): Definition {
  const known = definition.attributes ?? {}
  const missing = Object.entries(value).filter(
    ([name]) => name !== 'enabled' && !AWS_FIELDS.includes(name) && !Object.hasOwn(known, name),
  )
  if (missing.length === 0) return definition
  const added = missing.map(([name, attribute]) => [name, { constraints: constraintsOf(name, attribute) }])
  return { ...definition, attributes: { ...known, ...Object.fromEntries(added) } }
}

function constraintsOf(name: string, attribute: unknown): object {
  if (name === 'percentage' || name === 'rolloutPercentage')
    return { type: 'number', minimum: 0, maximum: 100 }
  if (!Array.isArray(attribute)) return { type: typeof attribute }
  return { type: 'array', elements: { type: typeof attribute[0] === 'number' ? 'number' : 'string' } }
}
