/** Bodies about kills. */
import { z } from '@hono/zod-openapi'
import { ON_EXPIRY } from '../storage/kills.ts'
import { EXAMPLES } from './examples.ts'
import { reason, time } from './schemas.ts'

export const KillBody = z
  .strictObject({
    reason,
    variant: z
      .string()
      .min(1)
      .max(128)
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
  .openapi('KillRequest', { example: { reason: 'checkout broken', expiresAt: '2099-01-01T00:00:00Z' } })

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
  .openapi('Kill', { example: EXAMPLES.kill })
