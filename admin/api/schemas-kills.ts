/** Bodies about kills. */
import { z } from '@hono/zod-openapi'
import { ON_EXPIRY } from '../storage/kills.ts'
import { EXAMPLES } from './examples.ts'
import { reason, time } from './schemas.ts'

const expiry = {
  expiresAt: z.iso
    .datetime({ offset: true, message: 'must be an RFC 3339 time with a zone, e.g. 2026-11-21T10:00:00Z' })
    .optional(),
  onExpiry: z.enum(ON_EXPIRY).optional().openapi({
    description:
      '`restore` (default): the kill ends. `extend`: it holds for the same time again, and again; never for less than a minute.',
  }),
}

export const KillBody = z
  .strictObject({
    reason,
    variant: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .openapi({ description: "Variant to serve; default: the flag's `off`" }),
    ...expiry,
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

/** What a breaker can be told by hand. */
const HELD_STATES = ['open', 'closed', 'auto'] as const

export const BreakerBody = z
  .strictObject({
    state: z.enum(HELD_STATES).openapi({
      description:
        '`open`: no requests, until it is told otherwise or `expiresAt` comes. `closed`: requests again, and edges forget what they found; from then on it opens by itself as ever. `auto`: as `closed`, but what edges found still counts.',
    }),
    reason,
    ...expiry,
  })
  .refine(({ state, expiresAt }) => state === 'open' || expiresAt === undefined, {
    path: ['expiresAt'],
    message: 'is for "state": "open" only',
  })
  .refine(({ expiresAt, onExpiry }) => onExpiry === undefined || expiresAt !== undefined, {
    path: ['onExpiry'],
    message: 'needs "expiresAt"',
  })
  .openapi('BreakerRequest', { example: { state: 'open', reason: 'returns wrong prices' } })
