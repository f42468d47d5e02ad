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
}

/** Deeper values are one value. */
const MAX_DEPTH = 100

/** `null`: alike. JSON is compared whatever the order of its keys; other bodies by their text. */
export function bodyDifference(one: string, other: string, ignored: Ignored): Difference | null {
  if (one === other) return null
  const [a, b] = [parsed(one), parsed(other)]
  if (a === undefined || b === undefined) return { pointer: null }
  const path = firstDifference(a, b, ignored, [])
  return path === null ? null : { pointer: shown(path) }
}

/** The text by which bodies are alike or not: JSON with sorted keys and without what is ignored. */
export function normalised(text: string, ignored: Ignored): string {
  const value = parsed(text)
  return value === undefined ? text : JSON.stringify(canonical(value, ignored, 0))
}

/** `undefined`: no JSON object or list. (A bare text or number is as good as text.) */
function parsed(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text) as object
  } catch {
    return undefined
  }
}

type Path = readonly string[]

function firstDifference(a: unknown, b: unknown, ignored: Ignored, path: Path): Path | null {
  if (ignored.some((parts) => parts.length === 0)) return null
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return a === b ? null : path
  if (path.length >= MAX_DEPTH) return null
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [inA, inB] = [Object.hasOwn(a, key), Object.hasOwn(b, key)]
    const inner = below(ignored, key)
    if (inA && inB) {
      const found = firstDifference(a[key], b[key], inner, [...path, key])
      if (found !== null) return found
    } else if (!inner.some((parts) => parts.length === 0)) return [...path, key]
  }
  return null
}

function canonical(value: unknown, ignored: Ignored, depth: number): unknown {
  if (!isObject(value) || depth >= MAX_DEPTH) return isObject(value) ? null : value
  const kept = Object.keys(value)
    .filter((key) => !below(ignored, key).some((parts) => parts.length === 0))
    .map((key) => [key, canonical(value[key], below(ignored, key), depth + 1)] as const)
  if (Array.isArray(value)) return kept.map(([, item]) => item)
  return Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1)))
}

const below = (ignored: Ignored, key: string): Ignored =>
  ignored.length === 0
    ? ignored
    : ignored.flatMap(([first, ...rest]) => (first === '*' || first === key ? [rest] : []))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** A key may be somebody's name or address: only what looks like a field or an index is told. */
const PLAIN = /^(?:[A-Za-z_$][\w$-]{0,63}|\d{1,9})$/

const shown = (path: Path): string => path.map((part) => `/${PLAIN.test(part) ? part : '*'}`).join('')
