/** The OpenAPI page. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiEnv } from './context.ts'
import { DOCUMENT_SCHEMAS } from './document-schema.ts'

const DESCRIPTION = `Feature flags and traffic splits of the Turnout edge.

Changes of documents, flags, segments, routes and environments need \`If-Match\` with the ETag that was read (or \`*\`), or
\`If-None-Match: *\` to create. Kills, toggles and POSTs need none. Failures are problem details (RFC 9457).`

/** Serves /openapi.json from what the routes say. */
export function openapi(app: OpenAPIHono<ApiEnv>): void {
  const { openAPIRegistry: registry } = app
  for (const [name, schema] of Object.entries(DOCUMENT_SCHEMAS))
    registry.registerComponent('schemas', name, schema)
  registry.registerComponent('schemas', 'MergePatch', {
    description: 'JSON Merge Patch (RFC 7396): fields replace, null removes',
    type: 'object',
    additionalProperties: true,
    examples: [{ percentage: 25 }],
  })
  registry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Turnout admin API', version: '1', description: DESCRIPTION, license: { name: 'MIT' } },
    security: [{ adminToken: [] }],
  })
}
