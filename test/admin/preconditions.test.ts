/** Preconditions, of every operation that takes one: how each is refused, and that the page says so. */
import { describe, expect, it } from 'vitest'
import { call, problem } from './client.ts'
import { story } from './fuzz/story.ts'
import { addressOf, type Operation, openApiPage } from './operations.ts'

const GUARDED = (await openApiPage()).operations
  .filter(({ parameters }) => parameters.some((each) => each.in === 'header' && each.name === 'if-match'))
  .map((operation): [string, Operation] => [operation.id, operation])

describe.each(GUARDED)('%s', (_, operation) => {
  it.each<[number, Record<string, string>, string]>([
    [400, { 'if-match': 'v2' }, 'if-match'],
    [412, { 'if-match': '"v999"' }, 'if-match'],
    [428, {}, 'if-match'],
  ])('answers %i, as its page says, to the headers %j', async (status, headers, path) => {
    const its = await story(operation)
    const answer = await call(addressOf(operation, its.values), {
      method: operation.method,
      headers: { ...(operation.body && { 'content-type': operation.body.mediaTypes[0]! }), ...headers },
      ...(operation.body && { body: JSON.stringify(its.example) }),
    })
    const { errors } = await problem(answer, status)
    expect(errors.map((error) => error.path)).toEqual([path])
    expect([...operation.answers.keys()]).toContain(status)
  })
})

it('are taken by every kind of change that several people edit', () => {
  expect(GUARDED.map(([id]) => id)).toEqual(
    expect.arrayContaining([
      'putEnvironment',
      'deleteEnvironment',
      'putDocument',
      'deleteFlag',
      'patchFlags',
    ]),
  )
})
