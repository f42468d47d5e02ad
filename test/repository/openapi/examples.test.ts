/** What the document says, for readers: an example of everything that is sent and answered, and every kind of problem. */
import { describe, expect, it } from 'vitest'
import { PROBLEMS, type ProblemKind, typeOf } from '../../../admin/api/problem.ts'
import { openApiText } from './document.ts'

interface Media {
  schema: { $ref?: string; example?: unknown; examples?: unknown[] }
  example?: unknown
  examples?: Record<string, { value: { type?: string } }>
}

interface Answer {
  $ref?: string
  content?: Record<string, Media>
}

interface Operation {
  operationId: string
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Answer>
}

const page = JSON.parse(await openApiText())
const operations: Operation[] = Object.values<Record<string, Operation>>(page.paths).flatMap(Object.values)
const { schemas, responses } = page.components

const hasExample = ({ schema, example, examples }: Media): boolean => {
  const described = schema.$ref === undefined ? schema : schemas[schema.$ref.split('/').at(-1)!]
  return [example, examples, described.example, described.examples?.[0]].some((each) => each !== undefined)
}

describe('the OpenAPI document', () => {
  it('shows an example of every body and of every answer that has one', () => {
    const without = operations.flatMap(({ operationId, requestBody, responses }) =>
      Object.entries<Answer>({ body: requestBody ?? {}, ...responses })
        .filter(([, { content = {} }]) => !Object.values(content).every(hasExample))
        .map(([name]) => `${operationId} ${name}`),
    )
    expect(without).toEqual([])
    expect(operations.length).toBeGreaterThan(30)
  })

  it('describes every kind of problem, with its status and an example', () => {
    const kinds = Object.keys(PROBLEMS) as ProblemKind[]
    expect(schemas.Problem.properties.type.enum).toEqual(kinds.map(typeOf))
    const examples = Object.values<{ content: Record<string, Media> }>(responses).flatMap(({ content }) =>
      Object.values(content['application/problem+json']!.examples!).map(({ value }) => value),
    )
    for (const kind of kinds.filter((each) => each !== 'method-not-allowed')) {
      const [status, title] = PROBLEMS[kind]
      const example = examples.find(({ type }) => type === typeOf(kind))
      expect(example).toMatchObject({ status, title, detail: expect.stringMatching(/^\S.{10,}\.$|\?$/) })
    }
  })
})
