/** Which flags a list shows. */
import { z } from '@hono/zod-openapi'
import { FLAG_KINDS } from '../../engine/index.ts'
import type { FlagFilter } from '../governance/flag-filter.ts'
import type { Stale } from '../governance/staleness.ts'
import { timeOf } from './time.ts'

const yesOrNo = z.enum(['true', 'false']).optional()

export const FlagQuery = z.strictObject({
  tag: z.string().min(1).optional().openapi({ description: 'With this tag', example: 'checkout' }),
  owner: z.string().min(1).optional().openapi({ description: 'Of this owner', example: 'web' }),
  kind: z.enum(FLAG_KINDS).optional().openapi({ description: 'Of this kind', example: 'release' }),
  enabled: yesOrNo.openapi({ description: 'Switched on, or off; kills do not count', example: 'true' }),
  stale: yesOrNo.openapi({
    description: 'Past their use, with the reason in `stale`; or `false`: those that are not',
    example: 'true',
  }),
  q: z.string().min(1).optional().openapi({
    description: 'Part of the key or of the description, in small or capital letters',
    example: 'checkout',
  }),
})

/** `null`: the query asks for all of them. */
export function filterOf({ enabled, stale, ...same }: z.infer<typeof FlagQuery>): FlagFilter | null {
  const filter: FlagFilter = { ...same, enabled: asBoolean(enabled), stale: asBoolean(stale) }
  return Object.values(filter).every((value) => value === undefined) ? null : filter
}

const asBoolean = (text: 'true' | 'false' | undefined): boolean | undefined =>
  text === undefined ? undefined : text === 'true'

export const StaleSchema = z
  .object({
    reason: z.enum(['expired', 'one-variant', 'disabled']),
    since: z.string().openapi({ format: 'date-time' }),
    detail: z.string().openapi({ description: 'The end of a sentence about the flag' }),
  })
  .optional()
  .openapi({
    description: 'Why the flag is past its use, if `stale` was asked for',
    example: {
      reason: 'one-variant',
      since: '2026-11-21T10:00:00.000Z',
      detail: 'gives everybody on, unchanged since 2026-10-22T10:00:00.000Z',
    },
  })

export const shownStale = ({ reason, sinceMs, detail }: Stale): NonNullable<z.infer<typeof StaleSchema>> => ({
  reason,
  since: timeOf(sinceMs),
  detail,
})
