/** What changes between two values, field by field, for people. Pure. */
import { isObject, show } from '../engine/check.ts'

/** `percentage 50 → 75`, `owner "a" added`, `tags removed`, `rules.ten-percent.percentage 10 → 50` */
export function differences(before: unknown, after: unknown): string[] {
  if (!isObject(before) || !isObject(after)) return [`${show(before)} → ${show(after)}`]
  const fields = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...fields].flatMap((field) => {
    const [old, now] = [before[field], after[field]]
    if (JSON.stringify(old) === JSON.stringify(now)) return []
    const entries = entriesById(old, now)
    if (entries !== null)
      return entries.flatMap(([id, one, other]) =>
        differences(one, other).map((each) => `${field}.${id}.${each}`),
      )
    if (old === undefined) return `${field} ${show(now)} added`
    return now === undefined ? `${field} removed` : `${field} ${show(old)} → ${show(now)}`
  })
}

/** Entries of two lists with the same ids in the same order, such as rules; `null`: they are no such lists. */
function entriesById(
  before: unknown,
  after: unknown,
): [id: string, before: unknown, after: unknown][] | null {
  if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) return null
  const ids = before.map(idOf)
  const same = ids.every((id, at) => id !== null && id === idOf(after[at]) && ids.indexOf(id) === at)
  return same ? ids.map((id, at) => [id!, before[at], after[at]]) : null
}

const idOf = (entry: unknown): string | null =>
  isObject(entry) && typeof entry.id === 'string' ? entry.id : null
