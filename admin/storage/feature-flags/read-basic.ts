/**
 * A basic flag as a flag of Turnout's. Attributes that Turnout knows are fields, those in `turnout` too; the others are
 * metadata, a list as its JSON. Pure.
 */
import { type Check, child, isObject, type Path, show } from '../../../engine/check.ts'
import type { Flag, ShortFlag } from '../../../engine/index.ts'
import { joined } from './chunks.ts'
import { RESERVED } from './key.ts'
import { AWS_FIELDS, SHORT_FIELDS } from './profile.ts'

/** Maps, so that no name has a meaning of its own. */
type Fields = Map<string, unknown>

/** Notes what is wrong; null then. */
export function readBasic(
  check: Check,
  path: Path,
  value: Readonly<Record<string, unknown>>,
): Flag | (ShortFlag & object) | null {
  const before = check.errorCount
  const fields: Fields = new Map([['enabled', value.enabled === true]])
  const metadata: Fields = new Map()
  for (const [name, attribute] of Object.entries(value)) {
    if (name === 'enabled' || AWS_FIELDS.includes(name) || isRest(name, attribute)) continue
    if (!isAttribute(attribute))
      check.error(
        child(path, name),
        `must be a string, number, boolean, or list of strings or of numbers, got ${show(attribute)}`,
      )
    else if (SHORT_FIELDS.includes(name)) fields.set(name, attribute)
    else metadata.set(name, Array.isArray(attribute) ? JSON.stringify(attribute) : attribute)
  }
  if (metadata.size > 0) fields.set('metadata', Object.fromEntries(metadata))
  if (isRest(RESERVED, value[RESERVED])) addRest(check, child(path, RESERVED), fields, value[RESERVED])
  return check.errorCount > before ? null : (Object.fromEntries(fields) as ShortFlag & object)
}

export function isAttribute(value: unknown): boolean {
  if (!Array.isArray(value)) return ['string', 'number', 'boolean'].includes(typeof value)
  const types = new Set(value.map((item) => typeof item))
  return types.size <= 1 && [...types].every((type) => type === 'string' || type === 'number')
}

/** Turnout writes a list there; anything else of that name is somebody else's. */
const isRest = (name: string, attribute: unknown): boolean => name === RESERVED && Array.isArray(attribute)

/** What attributes cannot hold. A field that stands in both places has no meaning. */
function addRest(check: Check, path: Path, fields: Fields, chunks: unknown): void {
  const rest = joined(chunks)
  if (!rest.ok) return check.error(path, rest.error)
  if (!check.object(path, rest.value)) return
  for (const [name, field] of Object.entries(rest.value)) {
    const beside = fields.get(name)
    if (name === 'metadata' && isObject(field) && (beside === undefined || isObject(beside)))
      fields.set(name, { ...field, ...beside })
    else if (beside !== undefined || name === 'description')
      check.error(path, `says ${show(name)}, which stands beside it too: remove one of both`)
    else fields.set(name, field)
  }
}
