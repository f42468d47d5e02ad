/** JSON Patch between two values, with a `test` before each change that names what was there. Pure. */
import { createPatch, type Operation } from 'rfc6902'

/** Most JSON text of one patch, in characters. */
const MAX_PATCH = 64 * 1024

/** Leads from `before` to `after`, and only from `before`; `undefined`: there is none. `null`: the patch would be too large. */
export function patchBetween(before: unknown, after: unknown): readonly Operation[] | null {
  const operations = operationsBetween(before, after).flatMap((operation): Operation[] =>
    operation.op === 'replace' || operation.op === 'remove'
      ? [{ op: 'test', path: operation.path, value: valueAt(before, operation.path) }, operation]
      : [operation],
  )
  return JSON.stringify(operations).length > MAX_PATCH ? null : operations
}

function operationsBetween(before: unknown, after: unknown): Operation[] {
  if (before === undefined) return after === undefined ? [] : [{ op: 'add', path: '', value: after }]
  if (after === undefined) return [{ op: 'remove', path: '' }]
  return createPatch(before, after, wholeArrays)
}

/** An array is replaced as a whole: finding the fewest edits takes time with the product of both lengths. */
const wholeArrays: NonNullable<Parameters<typeof createPatch>[2]> = (input, output, pointer) => {
  if (!Array.isArray(input) || !Array.isArray(output)) return undefined
  const same = JSON.stringify(input) === JSON.stringify(output)
  return same ? [] : [{ op: 'replace', path: pointer.toString(), value: output }]
}

/** The value at a JSON Pointer (RFC 6901), through own properties only. */
function valueAt(value: unknown, path: string): unknown {
  let at = value
  for (const token of path.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    at = Object.hasOwn(at as object, key) ? (at as Record<string, unknown>)[key] : undefined
  }
  return at
}
