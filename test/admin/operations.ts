/** The operations that the OpenAPI page names, each with what a test needs to call it and to check its answer. */
import { z } from 'zod'
import { call, value } from './client.ts'

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  example?: unknown
  schema: JsonSchema
}

// biome-ignore lint/suspicious/noExplicitAny: JSON Schema, as it comes
export type JsonSchema = Record<string, any>

export interface Operation {
  id: string
  /** In capitals. */
  method: string
  /** With its parameters in braces. */
  path: string
  parameters: Parameter[]
  /** `null`: it takes none. */
  body: { mediaTypes: string[]; required: boolean; schema: JsonSchema; example: unknown } | null
  /** Status → schema of its body; `null`: it has none. */
  answers: Map<number, JsonSchema | null>
}

export interface Page {
  operations: Operation[]
  /** A schema of the page as a check that takes no field that the schema does not name. */
  checkOf(schema: JsonSchema): z.ZodType
  /** What a reference refers to; anything else as it is. */
  resolve(node: JsonSchema): JsonSchema
}

export async function openApiPage(): Promise<Page> {
  const page = await value(await call('/openapi.json'))
  // biome-ignore lint/suspicious/noExplicitAny: the page as it comes
  const resolve = (node: any): any =>
    typeof node?.$ref === 'string'
      ? resolve(
          node.$ref
            .slice(2)
            .split('/')
            .reduce((at: JsonSchema, key: string) => at[key], page),
        )
      : node
  const operations = Object.entries<JsonSchema>(page.paths).flatMap(([path, methods]) =>
    Object.entries<JsonSchema>(methods).map(([method, operation]): Operation => {
      const content: JsonSchema = resolve(operation.requestBody)?.content ?? {}
      const [first] = Object.values(content)
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []).map(resolve).map(withExample),
        body: first
          ? {
              mediaTypes: Object.keys(content),
              required: resolve(operation.requestBody).required === true,
              schema: first.schema,
              example: exampleOf(first, resolve),
            }
          : null,
        answers: new Map(
          Object.entries<JsonSchema>(operation.responses).map(([status, response]) => [
            Number(status),
            Object.values<JsonSchema>(resolve(response).content ?? {})[0]?.schema ?? null,
          ]),
        ),
      }
    }),
  )
  const definitions = strict(page.components.schemas)
  const checks = new Map<JsonSchema, z.ZodType>()
  const checkOf = (schema: JsonSchema) => {
    const check = checks.get(schema) ?? z.fromJSONSchema({ ...strict(schema), $defs: definitions })
    checks.set(schema, check)
    return check
  }
  return { operations, checkOf, resolve }
}

const withExample = (parameter: Parameter): Parameter => ({
  ...parameter,
  example: parameter.example ?? parameter.schema.example,
})

function exampleOf(media: JsonSchema, resolve: (node: unknown) => JsonSchema): unknown {
  const schema = resolve(media.schema)
  return media.example ?? schema.example ?? schema.examples?.[0]
}

/** The schema, closed: objects take only the properties that they name; references lead to `$defs`. */
function strict<T>(node: T): T {
  if (Array.isArray(node)) return node.map(strict) as T
  if (typeof node !== 'object' || node === null) return node
  const { example: _, examples: __, ...rest } = node as JsonSchema
  const closed = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, strict(value)]))
  if (typeof closed.$ref === 'string')
    return { $ref: closed.$ref.replace('#/components/schemas/', '#/$defs/') } as T
  const isOpen = closed.type === 'object' && closed.properties && !('additionalProperties' in closed)
  return (isOpen ? { ...closed, additionalProperties: false } : closed) as T
}

/** The address of an operation, its parameters from `values`. Throws for one that is missing. */
export function addressOf(operation: Operation, values: Readonly<Record<string, string>>): string {
  return operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${operation.id}: no value for ${name}`)
    return encodeURIComponent(value)
  })
}
