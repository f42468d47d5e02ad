/**
 * JSON Merge Patch (RFC 7396): an object merges into an object field by field, `null` removes, anything else replaces.
 * Pure; leaves both arguments untouched, and a key such as `__proto__` stays an ordinary key.
 */
import { isObject } from '../engine/index.ts'

/** Source: https://www.rfc-editor.org/rfc/rfc7396#section-2 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const merged = new Map(isObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, mergePatch(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}
