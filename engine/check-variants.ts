/** Publish checks of a flag's variants and their values. Pure. */
import { type Check, child, type Path } from './check.ts'

/** All values of one JSON type, at least one variant. */
export function checkVariants(check: Check, path: Path, value: unknown): void {
  if (!check.object(path, value)) return
  const names = Object.keys(value)
  if (names.length === 0) check.error(path, 'must have at least one variant')
  const types = new Set(names.map((name) => jsonType(value[name])))
  if (types.size > 1)
    check.error(path, `variants must all be of one JSON type, got ${[...types].join(' and ')}`)
  for (const name of names) {
    check.key(child(path, name), name)
    check.is(
      child(path, name),
      types.size > 1 || isJson(value[name]),
      'must be a JSON value that is not null',
      value[name],
    )
  }
}

const jsonType = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

const MAX_VALUE_DEPTH = 64

/** JSON without `null` at the top; numbers are finite, nesting is bounded, no key is `__proto__`. */
function isJson(value: unknown, depth = 0): boolean {
  if (value === null) return depth > 0
  if (typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depth > MAX_VALUE_DEPTH) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1))
  return Object.entries(value).every(([key, item]) => key !== '__proto__' && isJson(item, depth + 1))
}
