/** Bodies about tokens, people and SDK keys. */
import { z } from '@hono/zod-openapi'
import { TOKEN_NAME } from '../access/grants.ts'
import { ROLES } from '../access/principal.ts'
import { ENVIRONMENT_NAME } from '../settings.ts'
import { EXAMPLES } from './examples.ts'
import { futureTime, time } from './schemas.ts'

const PROJECT = /^[a-z0-9][a-z0-9_-]{0,62}$/

const scope = {
  role: z.enum(ROLES).openapi({
    description:
      '`viewer` reads; `operator` also toggles and kills; `editor` also edits; `admin` also manages access and settings',
    example: 'operator',
  }),
  projects: z
    .array(z.string().regex(PROJECT, 'must be the name of a project, or `default`'))
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .openapi({ description: '`null`: all projects. The default project is `default`.', example: null }),
  environments: z
    .array(z.string().regex(ENVIRONMENT_NAME, 'must be the name of an environment'))
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .openapi({ description: '`null`: all environments of those projects', example: ['media-register.prod'] }),
}

export const TokenBody = z
  .strictObject({
    name: z
      .string()
      .regex(TOKEN_NAME, 'must be lower-case letters, digits, ".", "_" and "-", at most 63')
      .openapi({ description: 'Names the token in the audit log; never used again', example: 'ci' }),
    ...scope,
    expiresAt: futureTime.optional(),
  })
  .openapi('TokenRequest', {
    example: { name: 'ci', role: 'editor', environments: ['dev'], expiresAt: '2099-01-01T00:00:00Z' },
  })

const shownScope = {
  role: z.enum(ROLES),
  projects: z.array(z.string()).nullable(),
  environments: z.array(z.string()).nullable(),
}

const listedToken = {
  id: z.string().openapi({ example: 'tok_0123456789abcdef' }),
  name: z.string(),
  ...shownScope,
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable().openapi({ description: 'To the minute' }),
}

export const TokenSchema = z.object(listedToken).openapi('Token', { example: EXAMPLES.token })

export const CreatedTokenSchema = z
  .object({
    ...listedToken,
    token: z.string().openapi({ description: "The token's text; it is never shown again" }),
  })
  .openapi('CreatedToken', { example: EXAMPLES.createdToken })

export const PersonBody = z
  .strictObject(scope)
  .openapi('PersonRequest', { example: { role: 'editor', projects: ['media-register'] } })

export const PersonSchema = z
  .object({
    id: z.string().openapi({ example: 'ana@example.com' }),
    ...shownScope,
    createdAt: time,
    createdBy: z.string(),
    lastUsedAt: time.nullable(),
  })
  .openapi('Person', { example: EXAMPLES.person })

export const PrincipalSchema = z
  .object({
    id: z.string().openapi({
      description:
        'As the audit log names the caller: `bootstrap`, `token:NAME`, an e-mail address or `service:NAME`',
      example: 'token:ci',
    }),
    ...shownScope,
  })
  .openapi('Principal', { example: EXAMPLES.principal })

export const KeyBody = z
  .strictObject({
    environment: z.string().min(1),
    kind: z.enum(['client', 'server']).openapi({
      description: '`client`: flags marked `client: true`, values only. `server`: everything.',
    }),
    name: z.string().trim().min(1).max(100),
  })
  .openapi('KeyRequest', { example: { environment: 'dev', kind: 'server', name: 'checkout service' } })

const listedKey = {
  id: z.string().openapi({ example: 'key_0123456789abcdef' }),
  environment: z.string(),
  kind: z.enum(['client', 'server']),
  name: z.string(),
  createdAt: time,
}

export const KeySchema = z.object(listedKey).openapi('Key', { example: EXAMPLES.key })

export const CreatedKeySchema = z
  .object({
    ...listedKey,
    key: z.string().openapi({ description: "The key's text; it is never shown again" }),
  })
  .openapi('CreatedKey', { example: EXAMPLES.createdKey })
