/** One page over several environments, newest first: each is asked for what lies below its own position. */
import { z } from '@hono/zod-openapi'
import { encodeCursor, type Page, positionIn } from './paging.ts'

export interface Source<Row extends { readonly n: number }> {
  /** Rows of one environment with numbers below `before`, newest first. */
  ask(environment: string, before: number, limit: number): Promise<Row[]>
  /** ms since 1970 */
  timeOf(row: Row): number
  show(environment: string, row: Row): unknown
}

export async function mergedPage<Row extends { readonly n: number }>(
  environments: readonly string[],
  cursor: string | undefined,
  limit: number,
  { ask, timeOf, show }: Source<Row>,
): Promise<Page<unknown>> {
  const before = positionIn(cursor, z.record(z.string(), z.int()), {})
  const rows = await Promise.all(
    environments.map(async (environment) => {
      const found = await ask(environment, before[environment] ?? Number.MAX_SAFE_INTEGER, limit + 1)
      return found.map((row) => ({ environment, row }))
    }),
  )
  const found = mergeNewest(rows, ({ row }) => timeOf(row))
  const page = found.slice(0, limit)
  const items = page.map(({ environment, row }) => show(environment, row))
  if (found.length <= limit) return { items, nextCursor: null }
  const next = { ...before }
  for (const { environment, row } of page) next[environment] = Math.min(next[environment] ?? row.n, row.n)
  return { items, nextCursor: encodeCursor(next) }
}

/** One list of several that each begin with the newest. None loses its order, whatever the clock did: a page is a start of each. */
export function mergeNewest<T>(lists: readonly (readonly T[])[], timeOf: (item: T) => number): T[] {
  const timed = lists.flatMap((list) => {
    let atMs = Number.POSITIVE_INFINITY
    return list.map((item) => {
      atMs = Math.min(atMs, timeOf(item))
      return { item, atMs }
    })
  })
  return timed.sort((one, other) => other.atMs - one.atMs).map(({ item }) => item)
}
