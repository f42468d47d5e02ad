import { describe, expect, it } from 'vitest'
import { EXAMPLE_DOCUMENT } from '../../admin/api/document-schema.ts'
import { compile } from '../../engine/index.ts'
import { call, value } from './client.ts'

const PATHS = {
  '/api/v1/environments': ['get'],
  '/api/v1/environments/{env}': ['delete', 'get', 'put'],
  '/api/v1/environments/{env}/document': ['get', 'put'],
  '/api/v1/environments/{env}/evaluate': ['post'],
  '/api/v1/environments/{env}/flags': ['get', 'patch'],
  '/api/v1/environments/{env}/flags/{key}': ['delete', 'get', 'patch', 'put'],
  '/api/v1/environments/{env}/flags/{key}/toggle': ['post'],
  '/api/v1/environments/{env}/kills': ['get'],
  '/api/v1/environments/{env}/kills/{target}': ['delete', 'get', 'put'],
  '/api/v1/environments/{env}/routes': ['get'],
  '/api/v1/environments/{env}/routes/{key}': ['delete', 'get', 'patch', 'put'],
  '/api/v1/environments/{env}/segments': ['get'],
  '/api/v1/environments/{env}/segments/{key}': ['delete', 'get', 'patch', 'put'],
  '/api/v1/environments/{env}/validate': ['post'],
  '/api/v1/environments/{env}/versions': ['get'],
  '/api/v1/environments/{env}/versions/{n}': ['get'],
  '/api/v1/keys': ['get', 'post'],
  '/api/v1/keys/{id}': ['delete'],
}

describe('the OpenAPI page', () => {
  it('names every address and method', async () => {
    const page = await value(await call('/openapi.json'))
    expect(page.openapi).toBe('3.1.0')
    const found = Object.entries<object>(page.paths).map(([path, methods]) => [
      path,
      Object.keys(methods).sort(),
    ])
    expect(Object.fromEntries(found.sort())).toEqual(PATHS)
  })

  it('refers to nothing that it does not hold, and says what a problem looks like', async () => {
    const page = await value(await call('/openapi.json'))
    const refs = new Set(JSON.stringify(page).match(/#\/components\/[^"]+/g))
    for (const ref of refs) {
      const [, , section, name] = ref.split('/') as [string, string, string, string]
      expect(page.components[section], ref).toHaveProperty([name])
    }
    const unauthorized = page.paths['/api/v1/environments'].get.responses['401']
    expect(unauthorized.content['application/problem+json'].example).toMatchObject({
      type: 'urn:turnout:problem:unauthorized',
      status: 401,
    })
  })

  it('gives an example that compiles', () => {
    expect(compile(EXAMPLE_DOCUMENT, { environment: 'dev', epoch: 1, version: 1 })).toMatchObject({
      ok: true,
    })
  })
})
