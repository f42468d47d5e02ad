import { describe, expect, it } from 'vitest'
import types from '../../admin/api/openapi-types.d.ts?raw'
import { contentHash } from '../../admin/storage/content-hash.ts'
import { call } from './client.ts'

describe('the types of the typed client', () => {
  it('are those of today’s OpenAPI document', async () => {
    const text = await (await call('/openapi.json')).text()
    const made = /SHA-256 of the document: (\S+)/.exec(types)?.[1]
    expect(made, 'the API has changed: run "npm run generate:client" and commit what it writes').toBe(
      contentHash(text),
    )
  })
})
