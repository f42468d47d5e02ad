/** What `pick` makes of the first `limit` rows of which it makes something; reads no further. */
export function picked<Row, Picked>(
  rows: Iterable<Row>,
  limit: number,
  pick: (row: Row) => Picked | null,
): Picked[] {
  const found: Picked[] = []
  for (const row of rows) {
    if (found.length === limit) break
    const one = pick(row)
    if (one !== null) found.push(one)
  }
  return found
}
