/** Bodies of the API beside documents: what is accepted, checked to the last field, and what is answered. */
import { z } from '@hono/zod-openapi'
import { ENTITY_KINDS } from '../document.ts'
import { ON_EXPIRY } from '../storage/kills.ts'
import { MAX_REASON } from './context.ts'

const version = z.int().min(0).openapi({ example: 12 })
const time = z.string().openapi({ format: 'date-time', example: '2026-11-21T10:00:00.000Z' })
const reason = z.string().trim().min(1).max(MAX_REASON).openapi({ example: 'errors above 1 % since 10:02' })

const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

export const IssueSchema = z
  .object({ path: z.string().openapi({ example: '$.flags.CONDUIT_X.rules[0].serve' }), message: z.string() })
  .openapi('Issue')

export const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(IssueSchema),
    requestId: z
      .string()
      .openapi({ description: 'Also in the header x-request-id; name it when asking for help' }),
  })
  .openapi('Problem')

export const SettingsBody = z
  .strictObject({
    open: z.boolean().default(false).openapi({
      description: 'Everybody may evaluate every flag without a key. Local runs only.',
    }),
    edgeHosts: z
      .array(z.string().regex(HOST, 'must be a host name in lower case, without scheme or port'))
      .max(100)
      .default([])
      .openapi({ description: "Host names of the environment's own edge, refused as origins" }),
  })
  .openapi('EnvironmentSettings', { example: { open: false, edgeHosts: ['www.example.com'] } })

const listedEnvironment = {
  name: z.string().openapi({ example: 'media-register.prod' }),
  open: z.boolean(),
  edgeHosts: z.array(z.string()),
  revision: version.openapi({ description: 'Version in which the settings last changed: the ETag' }),
  createdAt: time,
}

export const ListedEnvironmentSchema = z.object(listedEnvironment).openapi('ListedEnvironment')

export const EnvironmentSchema = z
  .object({
    ...listedEnvironment,
    epoch: z.int().openapi({ description: 'Minted at creation and at every restore; only grows' }),
    version: version.openapi({ description: 'Version of the current snapshot and document' }),
    killsVersion: z.int().min(0).openapi({ description: 'Version of the kill list' }),
  })
  .openapi('Environment')

export const PublishedSchema = z.object({ version, warnings: z.array(IssueSchema) }).openapi('Published', {
  description: 'The version that holds the change, and what is valid but surely not meant',
})

export const ValidationSchema = z
  .object({ valid: z.boolean(), errors: z.array(IssueSchema), warnings: z.array(IssueSchema) })
  .openapi('Validation')

export const ToggleBody = z
  .strictObject({ enabled: z.boolean(), reason: reason.optional() })
  .openapi('Toggle', { example: { enabled: false, reason: 'errors above 1 % since 10:02' } })

export const EvaluateBody = z
  .strictObject({ flag: z.string().min(1), context: z.record(z.string(), z.unknown()).default({}) })
  .openapi('Evaluate', { example: { flag: 'new-feature', context: { targetingKey: 'user1' } } })

export const ExplanationSchema = z
  .object({
    decision: z.object({
      flag: z.string(),
      variant: z.string().nullable(),
      value: z.unknown(),
      reason: z.string(),
      rule: z.string().nullable(),
      errorCode: z.string().nullable(),
      metadata: z.record(z.string(), z.unknown()),
      version,
      killVersion: z.int(),
    }),
    steps: z.array(z.looseObject({ step: z.string(), decided: z.boolean(), detail: z.string() })),
  })
  .openapi('Explanation')

export const KillBody = z
  .strictObject({
    reason,
    variant: z
      .string()
      .min(1)
      .optional()
      .openapi({ description: "Variant to serve; default: the flag's `off`" }),
    expiresAt: z.iso
      .datetime({ offset: true, message: 'must be an RFC 3339 time with a zone, e.g. 2026-11-21T10:00:00Z' })
      .optional(),
    onExpiry: z.enum(ON_EXPIRY).optional().openapi({
      description:
        '`restore` (default): the kill ends. `extend`: it holds for the same time again, and again.',
    }),
  })
  .refine(({ expiresAt, onExpiry }) => onExpiry === undefined || expiresAt !== undefined, {
    path: ['onExpiry'],
    message: 'needs "expiresAt"',
  })
  .openapi('KillRequest', { example: { reason: 'checkout broken', expiresAt: '2026-11-21T12:00:00Z' } })

export const KillSchema = z
  .object({
    target: z.string().openapi({ example: 'flag:new-feature' }),
    variant: z.string().optional(),
    reason: z.string(),
    actor: z.string(),
    createdAt: time,
    expiresAt: time.optional(),
    onExpiry: z.enum(ON_EXPIRY).optional(),
  })
  .openapi('Kill')

export const EntityChangeSchema = z
  .object({
    kind: z.enum([...ENTITY_KINDS, 'route-order', 'settings', 'sdk-key']),
    key: z.string(),
    change: z.enum(['added', 'changed', 'removed']),
  })
  .openapi('Change')

export const VersionSchema = z
  .object({
    version,
    epoch: z.int(),
    createdAt: time,
    actor: z.string(),
    reason: z.string().nullable(),
    changeCount: z.int(),
    changes: z.array(EntityChangeSchema).openapi({ description: 'In a list: the first 20 of `changeCount`' }),
  })
  .openapi('Version')

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

export const KeySchema = z.object(listedKey).openapi('Key')

export const CreatedKeySchema = z
  .object({
    ...listedKey,
    key: z.string().openapi({ description: "The key's text; it is never shown again" }),
  })
  .openapi('CreatedKey')

/** `{ items, nextCursor }` of a schema. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().openapi({ description: 'null: this is the last page' }),
  })
