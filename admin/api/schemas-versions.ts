/** Bodies about versions, what differs between documents, and promotion. */
import { z } from '@hono/zod-openapi'
import { ENTITY_KINDS } from '../document.ts'
import { EXAMPLES } from './examples.ts'
import { IssueSchema, reason, time, version } from './schemas.ts'

const EntityChangeSchema = z
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
    labels: z.array(z.string()),
    changes: z.array(EntityChangeSchema).openapi({ description: 'In a list: the first 20 of `changeCount`' }),
  })
  .openapi('Version', { example: EXAMPLES.version })

export const LabelBody = z.strictObject({ version }).openapi('LabelRequest', { example: { version: 1 } })

export const difference = z.object({
  kind: z.enum(ENTITY_KINDS),
  key: z.string(),
  change: z.enum(['added', 'changed', 'removed']),
  patch: z
    .array(z.looseObject({ op: z.string(), path: z.string() }))
    .nullable()
    .openapi({ description: 'JSON Patch (RFC 6902); `null`: too large to show' }),
})

/** Fields of a comparison. */
export const comparison = {
  differences: z.array(difference),
  same: z.int().openapi({ description: 'How many flags, segments and routes are the same' }),
  reordered: z.boolean().openapi({ description: 'The routes that both have stand in another order' }),
}

export const ComparisonSchema = z.object(comparison).openapi('Comparison', { example: EXAMPLES.comparison })

export const PromotionBody = z
  .strictObject({
    to: z.string().min(1).optional().openapi({
      description: 'Target environment; default: `promotesTo` of the source',
      example: 'staging',
    }),
    flags: z
      .union([z.array(z.string()).min(1).max(10_000), z.literal('all')])
      .openapi({ description: 'Keys of flags, or `all`', example: ['new-feature'] }),
    dryRun: z.boolean().default(false).openapi({ description: 'Show what would change, and change nothing' }),
    expected: version
      .optional()
      .openapi({ description: "The target's version that a dry run showed; another one is refused (409)" }),
    reason: reason.optional(),
  })
  .openapi('PromotionRequest', { example: { to: 'staging', flags: ['new-feature'], dryRun: true } })

export const PromotionSchema = z
  .object({
    from: z.string(),
    fromVersion: version,
    to: z.string(),
    dryRun: z.boolean(),
    version: version.openapi({ description: "The target's version: the one compared with, or the one made" }),
    ...comparison,
    segments: z.array(z.string()).openapi({ description: 'Segments that came along' }),
    kept: z.array(z.string()).openapi({ description: 'What the target kept as its own' }),
    raising: z.array(z.string()).openapi({ description: 'What raises exposure' }),
    warnings: z.array(IssueSchema),
  })
  .openapi('Promotion', { example: EXAMPLES.promotion })
