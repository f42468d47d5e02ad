/** A short form as the attributes of a basic flag. Pure. */
import { type Check, child, isObject, type Path, show } from '../../../engine/check.ts'
import type { ShortFlag } from '../../../engine/index.ts'
import { isAllowedKey } from './key.ts'
import { type Attribute, AWS_FIELDS, type Definition, MAX_TEXT, SHORT_FIELDS, type Value } from './profile.ts'
import { isAttribute } from './read.ts'

/** The value with the flag's attributes and no others; what did not change keeps its place and its JSON. */
export function writeBasic(check: Check, path: Path, value: Value, flag: ShortFlag & object): Value | null {
  const before = check.errors.length
  const wanted = wantedOf(check, path, value, flag as Record<string, unknown>)
  if (check.errors.length > before) return null
  const { _variants, ...rest } = value
  const kept = Object.entries(rest).filter(
    ([name]) => name.startsWith('_') || name === 'enabled' || wanted.has(name),
  )
  const next = new Map<string, unknown>([...kept, ...wanted])
  return { ...Object.fromEntries(next), enabled: flag.enabled }
}

function wantedOf(
  check: Check,
  path: Path,
  value: Value,
  flag: Record<string, unknown>,
): Map<string, Attribute> {
  const wanted = new Map<string, Attribute>()
  for (const [name, field] of Object.entries(flag)) {
    const at = child(path, name)
    if (name === 'enabled' || name === 'description') continue
    if (name === 'metadata' && isObject(field)) metadataInto(wanted, check, at, value, field)
    else if (!SHORT_FIELDS.includes(name)) check.error(at, 'cannot be written to a feature-flag profile')
    else if (isWritable(check, at, field)) wanted.set(name, field as Attribute)
  }
  return wanted
}

function metadataInto(
  wanted: Map<string, Attribute>,
  check: Check,
  path: Path,
  value: Value,
  metadata: Record<string, unknown>,
): void {
  for (const [name, item] of Object.entries(metadata)) {
    const at = child(path, name)
    if (!isAllowedKey(name) || SHORT_FIELDS.includes(name) || name === 'enabled')
      check.error(at, 'this name cannot be that of an attribute in a feature-flag profile')
    else if (isWritable(check, at, item)) wanted.set(name, listBehind(value[name], item as Attribute))
  }
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

function isWritable(check: Check, path: Path, value: unknown): boolean {
  if (!isAttribute(value)) {
    check.error(path, `cannot be an attribute of a feature-flag profile: ${show(value)}`)
    return false
  }
  const texts = Array.isArray(value) ? value : [value]
  if (texts.every((text) => typeof text !== 'string' || text.length <= MAX_TEXT)) return true
  check.error(path, `must have at most ${MAX_TEXT} characters in a feature-flag profile`)
  return false
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
