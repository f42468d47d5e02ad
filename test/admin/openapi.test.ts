import { describe, expect, it } from 'vitest'
import { EXAMPLE_DOCUMENT } from '../../admin/api/document-examples.ts'
import { PROBLEMS } from '../../admin/api/problem.ts'
import guide from '../../docs/api.md?raw'
import { compile } from '../../engine/index.ts'
import { call, value } from './client.ts'

/** Address → methods, as docs/api.md lists them. */
const documented = Object.fromEntries(
  [...guide.matchAll(/^\| `(\/[^`]*)` \| ([A-Z ]+) \| \S.* \|$/gm)].map(([, path, methods]) => [
    `/api/v1${path}`,
    methods!.toLowerCase().split(' ').sort(),
  ]),
)

describe('the guide', () => {
  it('lists every kind of problem with its status', () => {
    const rows = [...guide.matchAll(/^\| `([a-z-]+)` \| (\d{3}) \| \S/gm)]
    expect(Object.fromEntries(rows.map(([, kind, status]) => [kind, Number(status)]))).toEqual(
      Object.fromEntries(Object.entries(PROBLEMS).map(([kind, [status]]) => [kind, status])),
    )
  })
})

/** Names in the first column of a table of the guide. */
const namesIn = (column: string): string[] => {
  const rows = new RegExp(`^\\| ${column} \\|.*\\|\\n.*\\n((?:\\|.*\\n)+)`, 'm').exec(guide)![1]!
  const cells = Array.from(rows.matchAll(/^\| ([^|]+) \|/gm), ([, cell]) => cell!)
  return cells.flatMap((cell) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name!)).sort()
}

describe('the OpenAPI page', () => {
  it('names every address and method that the guide does, and no other', async () => {
    const page = await value(await call('/openapi.json'))
    expect(page.openapi).toBe('3.1.0')
    const found = Object.entries<object>(page.paths).map(([path, methods]) => [
      path,
      Object.keys(methods).sort(),
    ])
    expect(Object.keys(documented).length).toBeGreaterThan(10)
    expect(Object.fromEntries(found)).toEqual(documented)
  })

  it('names every setting of an environment that the guide does, and no other', async () => {
    const { components } = await value(await call('/openapi.json'))
    expect(namesIn('setting')).toEqual(Object.keys(components.schemas.EnvironmentSettings.properties).sort())
  })

  it('names every header that the guide does, and no other', async () => {
    const { paths, components } = await value(await call('/openapi.json'))
    const resolved = (named: { $ref?: string }) =>
      named.$ref === undefined ? named : components[named.$ref.split('/')[2]!][named.$ref.split('/')[3]!]
    const [asked, answered] = [new Set<string>(), new Set<string>()]
    const operations = Object.values<object>(paths).flatMap((methods) => Object.values(methods))
    for (const { parameters = [], responses } of operations) {
      for (const parameter of parameters.map(resolved))
        if (parameter.in === 'header') asked.add(parameter.name)
      for (const response of Object.values<object>(responses).map(resolved))
        for (const name of Object.keys(response.headers ?? {})) answered.add(name)
    }
    // OpenAPI says these two in its own way, and leaves OPTIONS and what an address does not take to HTTP.
    expect(namesIn('of a request')).toEqual([...asked, 'authorization', 'content-type'].sort())
    expect(namesIn('of an answer')).toEqual([...answered, 'allow'].sort())
  })

  it('refers to nothing that it does not hold, and says what a problem looks like', async () => {
    const page = await value(await call('/openapi.json'))
    const refs = new Set(JSON.stringify(page).match(/#\/components\/[^"]+/g))
    for (const ref of refs) {
      const [, , section, name] = ref.split('/') as [string, string, string, string]
      expect(page.components[section], ref).toHaveProperty([name])
    }
    const unauthorized = page.paths['/api/v1/environments'].get.responses['401']
    expect(unauthorized).toEqual({ $ref: '#/components/responses/Unauthorized' })
    const { content } = page.components.responses.Unauthorized
    expect(content['application/problem+json'].examples.unauthorized.value).toMatchObject({
      type: 'urn:turnout:problem:unauthorized',
      status: 401,
    })
  })

  it('says which edits need a precondition, and where the ETag is', async () => {
    const { paths } = await value(await call('/openapi.json'))
    const headersOf = (path: string, method: string): string[] =>
      (paths[`/api/v1/environments/{env}${path}`][method].parameters as { in: string; name: string }[])
        .filter((parameter) => parameter.in === 'header')
        .map(({ name }) => name)
    for (const [path, method] of [
      ['', 'put'],
      ['/document', 'put'],
      ['/flags', 'patch'],
      ['/routes/{key}', 'delete'],
    ] as const)
      expect(headersOf(path, method)).toEqual([
        ...['if-match', 'if-none-match', 'x-turnout-reason'],
        'x-turnout-break-glass',
      ])
    expect(headersOf('/kills/{target}', 'put')).toEqual(['x-turnout-break-glass'])
    expect(paths['/api/v1/environments/{env}/flags/{key}'].get.responses['200'].headers).toHaveProperty(
      'etag',
    )
  })

  it('gives an example that compiles', () => {
    expect(compile(EXAMPLE_DOCUMENT, { environment: 'dev', epoch: 1, version: 1 })).toMatchObject({
      ok: true,
    })
  })
})
