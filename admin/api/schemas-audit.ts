/** Bodies about the audit log. */
import { z } from '@hono/zod-openapi'
import { EXAMPLES } from './examples.ts'
import { time, version } from './schemas.ts'

export const AuditEntrySchema = z
  .object({
    seq: z.int().openapi({ description: 'From 1, without gaps, within its chain' }),
    at: time,
    environment: z.string().nullable().openapi({ description: '`null`: the control plane itself' }),
    action: z.string().openapi({ example: 'flag.updated' }),
    subject: z.string().openapi({ example: 'flag:new-feature' }),
    actor: z.string().openapi({ example: 'token:ci' }),
    reason: z.string().nullable(),
    requestId: z.string().nullable(),
    address: z.string().nullable().openapi({ description: 'Address of the caller' }),
    version: version.nullable().openapi({ description: 'Version that holds the change' }),
    kills: z.int().nullable().openapi({ description: 'Version of the kill list that holds the change' }),
    changes: z.array(
      z.object({
        subject: z.string(),
        patch: z.array(z.looseObject({ op: z.string(), path: z.string() })).nullable(),
        hashes: z.object({ before: z.string().nullable(), after: z.string().nullable() }).optional().openapi({
          description:
            'SHA-256 before and after, where the patch would be too large, or what was stored was damaged',
        }),
      }),
    ),
    changeCount: z.int(),
    details: z.record(z.string(), z.unknown()),
    previousHash: z.string(),
    hash: z.string(),
  })
  .openapi('AuditEntry', { example: EXAMPLES.auditEntry })

const verification = {
  valid: z.boolean(),
  entries: z.int(),
}

export const VerificationSchema = z
  .object({
    ...verification,
    chains: z.array(
      z.object({
        environment: z.string().nullable(),
        ...verification,
        head: z.string().openapi({ description: 'Hash of the last entry' }),
        broken: z.object({ seq: z.int(), problem: z.string() }).optional(),
      }),
    ),
  })
  .openapi('Verification', { example: EXAMPLES.verification })
