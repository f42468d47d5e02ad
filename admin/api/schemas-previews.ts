/** Bodies about signed previews. */
import { z } from '@hono/zod-openapi'
import { MAX_PREVIEW_SECONDS } from '../../engine/index.ts'
import { EXAMPLES } from './examples.ts'
import { reason, time } from './schemas.ts'

const MIN_SECONDS = 60
const DEFAULT_SECONDS = 3_600

const name = z.string().min(1).max(128)

export const PreviewBody = z
  .strictObject({
    route: name.optional().openapi({ description: 'The route whose decisions it is about', example: 'web' }),
    flag: name
      .optional()
      .openapi({ description: 'Or a flag, wherever it is asked in a request', example: 'web-canary' }),
    variant: name.openapi({ description: 'What whoever carries it is served', example: 'on' }),
    host: z.string().min(1).max(260).optional().openapi({
      description: 'Host of the edge that it is for, with its port; default: the only one of `edgeHosts`',
      example: 'www.example.com',
    }),
    path: z
      .string()
      .max(2_048)
      .regex(/^\/(?!\/)[\x21-\x22\x24-\x7e]*$/, 'must be a path that begins with one /, perhaps with a query')
      .default('/')
      .openapi({ description: 'Where the link leads', example: '/checkout' }),
    ttlSeconds: z
      .int()
      .min(MIN_SECONDS)
      .max(MAX_PREVIEW_SECONDS)
      .default(DEFAULT_SECONDS)
      .openapi({ description: 'How long it holds' }),
    reason: reason.optional(),
  })
  .refine(({ route, flag }) => (route === undefined) !== (flag === undefined), {
    message: 'give either "route" or "flag"',
    path: ['route'],
  })
  .openapi('PreviewRequest', {
    example: { route: 'web', variant: 'on', host: 'www.example.com', ttlSeconds: 3_600 },
  })

const preview = {
  id: z.string().openapi({ example: 'pv_0123456789abcdef' }),
  route: z.string().nullable(),
  flag: z.string().nullable(),
  variant: z.string(),
  host: z.string(),
  createdAt: time,
  createdBy: z.string(),
  reason: z.string().nullable(),
  expiresAt: time,
  revokedAt: time.nullable(),
}

export const PreviewSchema = z.object(preview).openapi('Preview', { example: EXAMPLES.preview })

export const CreatedPreviewSchema = z
  .object({
    ...preview,
    token: z.string().openapi({ description: 'Told this once' }),
    url: z.string().openapi({ description: 'The link: whoever opens it is in the preview' }),
    cookie: z
      .string()
      .openapi({ description: 'What the link makes of it, for scripts that follow no links' }),
  })
  .openapi('CreatedPreview', { example: EXAMPLES.createdPreview })

export const RotateBody = z
  .strictObject({
    endAll: z
      .boolean()
      .default(false)
      .openapi({ description: 'End every preview at once: the key may have become known' }),
    reason: reason.optional(),
  })
  .openapi('PreviewKeyRotation', { example: { endAll: false, reason: 'yearly' } })
