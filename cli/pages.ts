/** Lists of the API, page after page. */

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

export interface PageQuery {
  readonly limit: number
  readonly cursor?: string
}

/** The most that the API gives at once. */
const PAGE_SIZE = 1_000

/** The first `limit` items, or all of them. */
export async function itemsOf<T>(
  page: (query: PageQuery) => Promise<Page<T>>,
  limit = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const size = Math.min(PAGE_SIZE, limit - items.length)
    const { items: more, nextCursor }: Page<T> = await page({
      limit: size,
      ...(cursor === null ? {} : { cursor }),
    })
    items.push(...more)
    cursor = nextCursor
  } while (cursor !== null && items.length < limit)
  return items
}
