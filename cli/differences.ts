/** What changes between two values, field by field, for people. Pure. */
import { isObject, show } from '../engine/check.ts'

/** `percentage 50 → 75`, `owner "a" added`, `tags removed` */
export function differences(before: unknown, after: unknown): string[] {
  if (!isObject(before) || !isObject(after)) return [`${show(before)} → ${show(after)}`]
  const fields = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...fields].flatMap((field) => {
    const [old, now] = [before[field], after[field]]
    if (JSON.stringify(old) === JSON.stringify(now)) return []
    if (old === undefined) return `${field} ${show(now)} added`
    return now === undefined ? `${field} removed` : `${field} ${show(old)} → ${show(now)}`
  })
}
