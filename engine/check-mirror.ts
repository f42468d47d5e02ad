/** Publish checks of a route's mirror. Pure. */
import { type Check, child, type Path } from './check.ts'

const MAX_POINTERS = 64
const MAX_POINTER = 256
/** Source: RFC 6901, section 3. */
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/

/** `origins`: names of the route's variants. */
export function checkMirror(
  check: Check,
  path: Path,
  value: unknown,
  origins: ReadonlySet<string>,
  anOrigin: (at: Path, name: unknown) => void,
): void {
  const isValid = check.fields(
    path,
    value,
    {
      variant: anOrigin,
      percentage: (at, percent) => check.number(at, percent, 0, 100),
      unsafeMethods: (at, flag) => check.boolean(at, flag),
      ignore: (at, list) => checkPointers(check, at, list),
    },
    ['variant', 'percentage'],
  )
  if (isValid && origins.size === 1 && origins.has(value.variant as string))
    check.error(
      child(path, 'variant'),
      'is the only variant of the route: there is nothing to compare it with',
    )
}

function checkPointers(check: Check, path: Path, value: unknown): void {
  if (!check.array(path, value)) return
  if (value.length > MAX_POINTERS)
    check.error(path, `must have at most ${MAX_POINTERS} pointers, got ${value.length}`)
  for (const [index, pointer] of value.entries())
    check.is(
      child(path, index),
      typeof pointer === 'string' && pointer.length <= MAX_POINTER && POINTER.test(pointer),
      `must be a JSON pointer of at most ${MAX_POINTER} characters, such as /items/*/id`,
      pointer,
    )
}
