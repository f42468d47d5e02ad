/** The OpenAPI page. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiEnv } from './context.ts'
import { DOCUMENT_SCHEMAS } from './document-schema.ts'
import { EXAMPLES } from './examples.ts'
import { KEY_HEADER } from './idempotency.ts'
import { type Header, problemResponses } from './problem-answers.ts'
import { ProblemSchema } from './schemas.ts'

const DESCRIPTION = `Feature flags and traffic splits of the Turnout edge.

Changes of documents, flags, segments, routes and environments need \`If-Match\` with the ETag that was read (or \`*\`), or
\`If-None-Match: *\` to create. Kills, toggles and POSTs need none. Failures are problem details (RFC 9457).`

/** In the order of the page. */
const TAGS = [
  { name: 'Environments', description: 'Each has one document, and one edge deployment that serves it.' },
  { name: 'Document', description: 'Flags, segments and routes as a whole. Each change is a version.' },
  { name: 'Flags', description: 'What decides, for a visitor or an application, between variants.' },
  { name: 'Segments', description: 'Named groups of contexts, for the rules of flags.' },
  { name: 'Routes', description: 'Which requests a flag sends to which origin; in order, first match wins.' },
  { name: 'Previews', description: 'Links that let one person see a variant before everybody else.' },
  { name: 'Kills', description: 'The kill switch: acts before every rule, needs no valid document.' },
  { name: 'Propagation', description: 'Where a change has landed, from what the edges report.' },
  { name: 'Breakers', description: 'Which origins fail, as the edges find them.' },
  { name: 'Mirrors', description: 'How a variant answers copies of requests, as the edges find it.' },
  { name: 'Health checks', description: 'Which origins are healthy, as the control plane finds them.' },
  { name: 'Versions', description: 'Who changed what, when and why.' },
  { name: 'Promotion', description: 'From one environment to the next.' },
  { name: 'Approvals', description: 'Changes that raise exposure, and wait for others.' },
  { name: 'Schedules', description: 'Changes of flags at a time.' },
  { name: 'Windows and freezes', description: 'When changes that raise exposure may be made.' },
  { name: 'Reviews', description: 'Emergency acts that somebody must look at afterwards.' },
  { name: 'Evaluation', description: 'What a flag decides, and why.' },
  { name: 'Keys', description: 'SDK keys, which applications show to the edge.' },
  { name: 'Access', description: 'Who may call this API: tokens, people, and their roles.' },
  { name: 'Webhooks', description: 'Who is told of what happens, and how it went.' },
  { name: 'Audit', description: 'Every change ever made, in chains that prove that none is missing.' },
  { name: 'Backups', description: 'Everything in a file, and back.' },
]

const whole = (description: string, example: number): Header => ({
  description,
  schema: { type: 'integer' },
  example,
})

const HEADERS: Readonly<Record<string, Header>> = {
  RequestId: {
    description: 'Names this request, in the log too',
    schema: { type: 'string' },
    example: EXAMPLES.requestId,
  },
  Version: whole('The version that holds the change', 12),
  Location: {
    description: 'Address of what was made, or of the approval that the change waits for',
    schema: { type: 'string' },
    example: '/api/v1/approvals/dev:12',
  },
  IdempotentReplayed: {
    description: '`true`: this is the answer to an earlier request with the same `Idempotency-Key`',
    schema: { type: 'string' },
    example: 'true',
  },
  KillsVersion: whole('Version of the kill list that the answer is about', 3),
}

/** Of every POST. */
const KEY_PARAMETER = {
  name: KEY_HEADER,
  in: 'header',
  description:
    'Names this request, so that sending it again does nothing again: for 24 hours the same request with the same key gets the answer of the first, and `idempotent-replayed: true`. A new one for each request, such as a UUID, with or without double quotes',
  schema: { type: 'string', minLength: 1 },
  example: '"6f1c1d0e-4a52-4d0b-9d0f-3c8b6e1f2a7d"',
} as const

/** Serves /openapi.json from what the routes say. */
export function openapi(app: OpenAPIHono<ApiEnv>): void {
  const { openAPIRegistry: registry } = app
  for (const [name, schema] of Object.entries(DOCUMENT_SCHEMAS))
    registry.registerComponent('schemas', name, schema)
  registry.register('Problem', ProblemSchema)
  for (const [name, response] of problemResponses()) registry.registerComponent('responses', name, response)
  for (const [name, header] of Object.entries(HEADERS)) registry.registerComponent('headers', name, header)
  registry.registerComponent('parameters', KEY_HEADER, KEY_PARAMETER)
  registry.registerComponent('securitySchemes', 'adminToken', { type: 'http', scheme: 'bearer' })
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Turnout admin API',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
    },
    servers: [{ url: '/', description: 'This control plane' }],
    tags: TAGS,
    security: [{ adminToken: [] }],
  })
}
