/** Whether two answers to one request are alike: their status, their time and, normalised, their bodies. Pure. Never throws. */

/** What of a body may differ: parts of a JSON pointer; `*` stands for each key or index. */
export type Ignored = readonly (readonly string[])[]

export const parsePointers = (pointers: readonly string[]): Ignored =>
  pointers.map((pointer) =>
    pointer
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')),
  )

/** 2xx, 3xx, … */
export const sameStatusClass = (one: number, other: number): boolean =>
  Math.floor(one / 100) === Math.floor(other / 100)

/** Buckets of times: up to 16 ms, then each twice as wide. */
const bucketOf = (ms: number): number => Math.max(0, Math.ceil(Math.log2(ms / 16)))

/** Whether the copy took clearly longer: two buckets or more, which is no matter of chance. */
export const isSlower = (ms: number, copyMs: number): boolean => bucketOf(copyMs) >= bucketOf(ms) + 2

export interface Difference {
  /** JSON pointer of the first value that differs; `null`: they are not both JSON. */
  readonly pointer: string | null
  /** The bodies as they were compared: JSON with sorted keys and without what is ignored. */
  readonly texts: readonly [string, string]
}

/** Deeper values are as good as none. */
const MAX_DEPTH = 100

/** `null`: alike. JSON is compared whatever the order of its keys; other bodies by their text. */
export function bodyDifference(one: string, other: string, ignored: Ignored): Difference | null {
  if (one === other) return null
  const [a, b] = [normalised(one, ignored), normalised(other, ignored)]
  if (a.text === b.text) return null
  const path = a.value && b.value ? firstDifference(a.value, b.value) : null
  return { pointer: path && shown(path), texts: [a.text, b.text] }
}

interface Normalised {
  readonly text: string
  /** `null`: it is no JSON object or list. (A bare text or number is as good as text.) */
  readonly value: object | null
}

function normalised(text: string, ignored: Ignored): Normalised {
  if (!/^\s*[[{]/.test(text)) return { text, value: null }
  try {
    const value = canonical(JSON.parse(text), ignored, 0) as object
    return { text: JSON.stringify(value), value }
  } catch {
    return { text, value: null }
  }
}

/** Keys in order, without what is ignored; items of lists keep their places. */
function canonical(value: unknown, ignored: Ignored, depth: number): unknown {
  if (ignored.some((parts) => parts.length === 0)) return undefined
  if (!isObject(value)) return value
  if (depth >= MAX_DEPTH) return null
  const inner = (key: string) => canonical(value[key], below(ignored, key), depth + 1)
  return Array.isArray(value)
    ? value.map((_, index) => inner(String(index)) ?? null)
    : Object.fromEntries(
        Object.keys(value)
          .sort()
          .map((key) => [key, inner(key)]),
      )
}

const below = (ignored: Ignored, key: string): Ignored =>
  ignored.flatMap(([first, ...rest]) => (first === '*' || first === key ? [rest] : []))

/** `null`: there is none. */
function firstDifference(a: unknown, b: unknown): readonly string[] | null {
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return a === b ? null : []
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const path = firstDifference(own(a, key), own(b, key))
    if (path !== null) return [key, ...path]
  }
  return null
}

const own = (value: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(value, key) ? value[key] : undefined

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** A key may be somebody's name or address: only what looks like a field or an index is told. */
const PLAIN = /^(?:[A-Za-z_$][\w$-]{0,63}|\d{1,9})$/

const shown = (path: readonly string[]): string =>
  path.map((part) => `/${PLAIN.test(part) ? part : '*'}`).join('')
