/**
 * Before and after of a thing as a JSON Patch (RFC 6902), for people to read and for machines to check: every `replace` and
 * `remove` follows a `test` of the value that it ends. Pure; keys such as `__proto__` are ordinary keys.
 */
import { isObject } from '../../engine/index.ts'
import { type Kept, keptPairs } from './edit-script.ts'
import { sameJson, textOf } from './same-json.ts'

export type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }

/** Of the patch as JSON, in UTF-16 code units: what a larger one says nobody reads, and it costs more than the thing itself. */
const MAX_PATCH = 65_536

/** Elements of a list that may come and go before the list is replaced as a whole. */
export const MAX_LIST_EDITS = 200

/**
 * What makes `after` of `before`; `undefined` is a thing that does not exist, and its path is "". `null` if the patch would
 * be larger than MAX_PATCH: say then by their hashes what changed.
 */
export function patchBetween(before: unknown, after: unknown): readonly Operation[] | null {
  const patch = wholeOf(before, after)
  return JSON.stringify(patch).length > MAX_PATCH ? null : patch
}

function wholeOf(before: unknown, after: unknown): Operation[] {
  if (before === undefined) return after === undefined ? [] : [{ op: 'add', path: '', value: after }]
  return after === undefined ? removal('', before) : [...diff('', before, after)]
}

const removal = (path: string, value: unknown): Operation[] => [
  { op: 'test', path, value },
  { op: 'remove', path },
]

const replacement = (path: string, before: unknown, after: unknown): Operation[] => [
  { op: 'test', path, value: before },
  { op: 'replace', path, value: after },
]

function* diff(path: string, before: unknown, after: unknown): Iterable<Operation> {
  if (before === after) return
  if (Array.isArray(before) && Array.isArray(after)) yield* listDiff(path, before, after)
  else if (isObject(before) && isObject(after)) yield* objectDiff(path, before, after)
  else yield* replacement(path, before, after)
}

type Fields = Readonly<Record<string, unknown>>

function* objectDiff(path: string, before: Fields, after: Fields): Iterable<Operation> {
  for (const key of Object.keys(before))
    if (!Object.hasOwn(after, key)) yield* removal(pointer(path, key), before[key])
  for (const key of Object.keys(after)) {
    const at = pointer(path, key)
    if (Object.hasOwn(before, key)) yield* diff(at, before[key], after[key])
    else yield { op: 'add', path: at, value: after[key] }
  }
}

/** Source: https://www.rfc-editor.org/rfc/rfc6901#section-3 */
const pointer = (path: string, key: string | number): string =>
  `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** Elements that stay are left alone; between two of them, what goes is changed into what comes, then removed or added. */
function* listDiff(path: string, before: readonly unknown[], after: readonly unknown[]): Iterable<Operation> {
  const kept = keptOf(before, after)
  if (kept === null) return yield* replacement(path, before, after)
  let [from, to] = [0, 0]
  for (const [stays, at] of [...kept, [before.length, after.length] as const]) {
    for (; from < stays && to < at; from += 1, to += 1)
      yield* diff(pointer(path, to), before[from], after[to])
    for (; from < stays; from += 1) yield* removal(pointer(path, to), before[from])
    for (; to < at; to += 1) yield { op: 'add', path: pointer(path, to), value: after[to] }
    from = stays + 1
    to = at + 1
  }
}

/** Which elements stay; `null` if too many come and go. What is the same at both ends costs one comparison an element. */
function keptOf(before: readonly unknown[], after: readonly unknown[]): readonly Kept[] | null {
  const shorter = Math.min(before.length, after.length)
  const kept: Kept[] = []
  while (kept.length < shorter && sameJson(before[kept.length], after[kept.length]))
    kept.push([kept.length, kept.length])
  const head = kept.length
  let tail = 0
  while (tail < shorter - head && sameJson(before.at(-1 - tail), after.at(-1 - tail))) tail += 1

  const [mine, theirs] = [before, after].map((list) => list.slice(head, list.length - tail).map(textOf))
  const middle = keptPairs(mine!, theirs!, MAX_LIST_EDITS)
  if (middle === null) return null
  for (const [one, other] of middle) kept.push([one + head, other + head])
  for (let left = tail; left > 0; left -= 1) kept.push([before.length - left, after.length - left])
  return kept
}
