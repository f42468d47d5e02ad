/** Values after a JSON Schema, most of which break it somewhere. */

import type { Random } from '../../helpers/random.ts'
import type { JsonSchema } from '../operations.ts'
import { NAMES, NUMBERS, TIMES, URLS, VALUES } from './hostile.ts'

const MAX_DEPTH = 6

/** `resolve` follows references. `spoilt`: share of the places where something else stands than the schema says. */
export function fromSchema(
  schema: JsonSchema,
  random: Random,
  resolve: (node: JsonSchema) => JsonSchema,
  spoilt: number,
): unknown {
  return make(schema, 0)

  function make(node: JsonSchema, depth: number): unknown {
    if (random.chance(spoilt)) return random.pick(VALUES)
    const { type, ...rest } = resolve(node)
    const choices = rest.oneOf ?? rest.anyOf
    if (choices) return make(random.pick<JsonSchema>(choices), depth)
    if (rest.enum) return random.pick(rest.enum)
    if ('const' in rest) return rest.const
    switch (Array.isArray(type) ? random.pick<string>(type) : type) {
      case 'object':
        return objectOf(rest, depth)
      case 'array':
        return depth > MAX_DEPTH ? [] : listOf(rest, depth)
      case 'string':
        return textOf(rest)
      case 'integer':
      case 'number':
        return numberOf(rest)
      case 'boolean':
        return random.chance(0.5)
      case 'null':
        return null
      default:
        return random.pick(VALUES)
    }
  }

  function objectOf({ properties = {}, required = [], additionalProperties }: JsonSchema, depth: number) {
    const entries: [string, unknown][] = []
    for (const [name, node] of Object.entries<JsonSchema>(properties)) {
      const wanted = required.includes(name) ? 1 - spoilt / 2 : depth > MAX_DEPTH ? 0 : 0.4
      if (random.chance(wanted)) entries.push([name, make(node, depth + 1)])
    }
    if (typeof additionalProperties === 'object' && depth <= MAX_DEPTH)
      for (let n = random.below(3); n > 0; n--)
        entries.push([random.pick(['a', 'new-feature', ...NAMES]), make(additionalProperties, depth + 1)])
    if (random.chance(spoilt)) entries.push([random.pick(NAMES), random.pick(VALUES)])
    // Own properties all, whatever they are called.
    return Object.fromEntries(entries)
  }

  function listOf({ items = {}, maxItems = 3 }: JsonSchema, depth: number): unknown[] {
    return Array.from({ length: random.below(Math.min(maxItems, 3) + 1) }, () => make(items, depth + 1))
  }

  function textOf({ example, examples, format }: JsonSchema): unknown {
    const known = example ?? examples?.[0]
    if (known !== undefined && random.chance(0.6)) return known
    return random.pick(
      format === 'date-time' ? [...TIMES, '2099-01-01T00:00:00Z'] : [...NAMES, ...URLS, 'on', 'off'],
    )
  }

  function numberOf({ minimum = 0, maximum = 100 }: JsonSchema): unknown {
    return random.chance(0.6) ? minimum + random.below(maximum - minimum + 1) : random.pick(NUMBERS)
  }
}
