/** Hostile requests to one operation, after what the OpenAPI page says of it. */

import type { Random } from '../../helpers/random.ts'
import type { JsonSchema, Operation, Parameter } from '../operations.ts'
import { fromSchema } from './from-schema.ts'
import { HEADER_VALUES, NAMES, QUERY_VALUES, SEGMENTS, withRawNumbers } from './hostile.ts'
import { spoilText } from './spoil-text.ts'
import type { Story } from './story.ts'

export interface Hostile {
  /** With its query. */
  readonly address: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** Whether address, query and headers are as they should be, so that it must be the body if something is wrong. */
  readonly bodyOnly: boolean
}

/** Share of the places of a request besides its body that are hostile. */
const SPOILT = 0.2
/** The same of a body: some are nearly right, some not at all. */
const SPOILT_IN_BODY = [0.02, 0.05, 0.15]

export function hostileRequest(
  operation: Operation,
  { values, example, inIt }: Pick<Story, 'values' | 'example' | 'inIt'>,
  random: Random,
  resolve: (node: JsonSchema) => JsonSchema,
): Hostile {
  const bodyOnly = operation.body !== null && random.chance(0.7)
  const spoilt = () => !bodyOnly && random.chance(SPOILT)
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    spoilt() ? random.pick(SEGMENTS) : encodeURIComponent(values[name] ?? 'x'),
  )
  const query = bodyOnly ? '' : queryOf(operation.parameters, random)
  const headers: Record<string, string> = {}
  for (const { name } of operation.parameters.filter((each) => each.in === 'header'))
    if (spoilt()) headers[name] = random.pick(HEADER_VALUES)
  if (!('if-match' in headers) && random.chance(0.9)) headers['if-match'] = '*'
  if (spoilt()) headers['x-turnout-break-glass'] = random.pick(HEADER_VALUES)
  if (operation.body !== null)
    headers['content-type'] = spoilt()
      ? random.pick(['text/plain', 'multipart/form-data; boundary=x', 'application/jsonx', ''])
      : random.pick(operation.body.mediaTypes)
  return {
    address: `${path}${query}`,
    method: operation.method,
    headers,
    body: operation.body === null ? null : bodyOf(operation.body.schema, example, random, resolve, inIt),
    bodyOnly,
  }
}

function queryOf(parameters: readonly Parameter[], random: Random): string {
  const known = parameters.filter((each) => each.in === 'query')
  const pairs = known
    .filter(() => random.chance(Math.min(0.4, 1.5 / known.length)))
    .map(({ name, example }) => `${name}=${random.chance(0.4) ? example : random.pick(QUERY_VALUES)}`)
  if (random.chance(0.1)) pairs.push(`${encodeURIComponent(wellFormed(random))}=${random.pick(QUERY_VALUES)}`)
  if (pairs.length > 0 && random.chance(0.1)) pairs.push(pairs[0]!)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

const wellFormed = (random: Random): string => random.pick(NAMES.filter((name) => name.isWellFormed()))

function bodyOf(
  schema: JsonSchema,
  example: unknown,
  random: Random,
  resolve: (node: JsonSchema) => JsonSchema,
  inIt: (value: unknown) => unknown,
): string {
  const value = random.chance(0.3)
    ? spoilOne(example, random)
    : inIt(fromSchema(schema, random, resolve, random.pick(SPOILT_IN_BODY)))
  const text = withRawNumbers(JSON.stringify(value) ?? 'null')
  return random.chance(0.15) ? spoilText(text, random) : text
}

/** The example with one place of it changed. */
function spoilOne(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.3))
    return fromSchema({}, random, (node) => node, 0)
  const entries = Object.entries(value)
  if (entries.length === 0) return fromSchema({}, random, (node) => node, 0)
  const [name, inner] = random.pick(entries)
  if (Array.isArray(value)) return value.with(Number(name), spoilOne(inner, random))
  const rest = entries.filter(([key]) => key !== name)
  return Object.fromEntries(random.chance(0.2) ? rest : [...rest, [name, spoilOne(inner, random)]])
}
