/** Lists: `{ items, nextCursor }`. A cursor is opaque to callers and names the last item they saw. */
import { z } from '@hono/zod-openapi'
import { invalidRequest } from './problem.ts'

/** Query parameters of every list. */
export const PageQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .openapi({ description: 'Most items of a page', example: 100 }),
  cursor: z.string().optional().openapi({ description: '`nextCursor` of the page before' }),
})

export interface Page<T> {
  readonly items: T[]
  /** `null`: this is the last page. */
  readonly nextCursor: string | null
}

/** One page of `rows`, which were asked for with one more than `limit`. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => unknown,
  show: (row: Row) => Item,
): Page<Item> {
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    items: rows.slice(0, limit).map(show),
    nextCursor: last === undefined ? null : encodeCursor(positionOf(last)),
  }
}

/** The position in a cursor, or `start` without one. Throws 422 for a text that is no cursor of this list. */
export function positionIn<T>(cursor: string | undefined, schema: z.ZodType<T>, start: T): T {
  if (cursor === undefined) return start
  const position = schema.safeParse(decode(cursor))
  if (!position.success)
    throw invalidRequest('query.cursor', 'must be the `nextCursor` of a page of this list')
  return position.data
}

export const encodeCursor = (position: unknown): string =>
  btoa(encodeURIComponent(JSON.stringify(position)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')

function decode(cursor: string): unknown {
  try {
    return JSON.parse(decodeURIComponent(atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))))
  } catch {
    return undefined
  }
}
