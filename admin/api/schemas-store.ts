/** Bodies about stores. */
import { z } from '@hono/zod-openapi'
import { STORES } from '../config/store-config.ts'
import { EXAMPLES } from './examples.ts'
import { reason } from './schemas.ts'
import { comparison } from './schemas-versions.ts'

const kind = z.enum(STORES)

export const CopyBody = z
  .strictObject({
    from: kind.openapi({ description: 'What holds the document' }),
    to: kind.openapi({ description: 'What is to hold it' }),
    dryRun: z.boolean().default(true).openapi({ description: 'Show what would change, and change nothing' }),
    reason: reason.optional(),
  })
  .openapi('CopyRequest', { example: { from: 'embedded', to: 'ssm', dryRun: true } })

export const CopySchema = z
  .object({
    from: z.string().openapi({ description: 'Where it is' }),
    to: z.string().openapi({ description: 'Where it goes to' }),
    dryRun: z.boolean(),
    ...comparison,
    written: z.boolean().openapi({ description: 'Something was written' }),
    identical: z.boolean().openapi({ description: 'Both compile to the same snapshot now' }),
  })
  .openapi('Copy', { example: EXAMPLES.copy })
