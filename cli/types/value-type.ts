/** The TypeScript type of JSON values, from examples. Pure; the same examples in another order give the same text. */
import type { JsonValue } from '../../engine/index.ts'

/** Longer texts are content rather than names, and are `string`. */
const MAX_LITERAL = 100

/** The type of a flag of which these are all the values: a text is one of them, anything else is as wide as its kind. */
export function valueType(values: readonly JsonValue[]): string {
  const texts = values.filter((value) => typeof value === 'string')
  const literal = texts.length === values.length && texts.every((text) => text.length <= MAX_LITERAL)
  return literal ? union(texts.map(quoted)) : shapeOf(values)
}

/** Every text in code-unit order, once. */
export const union = (types: readonly string[]): string => [...new Set(types)].sort().join(' | ')

/** `it's` → `'it\'s'` */
export const quoted = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

/** The name of a property. */
export const property = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name))

type JsonObject = { readonly [name: string]: JsonValue }

/** Objects become one object type, in which a property that some lack is optional; lists become one list type. */
function shapeOf(values: readonly JsonValue[]): string {
  const lists = values.filter((value) => Array.isArray(value))
  const objects = values.filter(
    (value): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value),
  )
  const plain = values.filter((value) => typeof value !== 'object' || value === null)
  return union([
    ...plain.map((value) => (value === null ? 'null' : typeof value)),
    ...(lists.length > 0 ? [listOf(lists.flat())] : []),
    ...(objects.length > 0 ? [objectOf(objects)] : []),
  ])
}

const listOf = (items: readonly JsonValue[]): string =>
  items.length === 0 ? 'readonly unknown[]' : `readonly (${shapeOf(items)})[]`

function objectOf(objects: readonly JsonObject[]): string {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))].sort()
  if (names.length === 0) return 'Readonly<Record<string, unknown>>'
  const fields = names.map((name) => {
    const having = objects.filter((object) => Object.hasOwn(object, name))
    const optional = having.length < objects.length ? '?' : ''
    return `readonly ${property(name)}${optional}: ${shapeOf(having.map((object) => object[name]!))}`
  })
  return `{ ${fields.join('; ')} }`
}
