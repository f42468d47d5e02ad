/** Entities of an environment as they are now, page by page. Inside the caller's transaction. */
import type { EntityKind } from '../document.ts'
import { type FlagFilter, matchFlag } from '../governance/flag-filter.ts'
import type { Stale } from '../governance/staleness.ts'
import { type Dated, pageEntities } from '../storage/entities.ts'

export interface Listed extends Dated {
  /** Why it is stale, if it is and the filter asks. */
  readonly stale: Stale | null
}

/** How many are read at a time, where a filter may let few of them through. */
const BATCH = 500

/** The first `limit` by key, after the key `after`. `filter` is for flags. */
export function listEntities(
  sql: SqlStorage,
  kind: EntityKind,
  after: string,
  limit: number,
  filter: FlagFilter | null,
  nowMs: number,
): Listed[] {
  if (filter === null) return pageEntities(sql, kind, after, limit).map((item) => ({ ...item, stale: null }))
  const found: Listed[] = []
  for (const item of everyEntity(sql, kind, after)) {
    const match = matchFlag(filter, item.key, JSON.parse(item.text), item.changedAtMs, nowMs)
    if (match !== null) found.push({ ...item, ...match })
    if (found.length === limit) break
  }
  return found
}

function* everyEntity(sql: SqlStorage, kind: EntityKind, start: string): Generator<Dated> {
  let after = start
  for (;;) {
    const page = pageEntities(sql, kind, after, BATCH)
    yield* page
    if (page.length < BATCH) return
    after = page.at(-1)!.key
  }
}
