/** A plan as lines for people and as JSON for machines. Pure. */
import { isObject, show } from '../../engine/check.ts'
import type { Changed, Plan } from './plan.ts'

/** One line for each flag: `+` added, `~` changed, `=` unchanged; then what stays as it is. */
export function planLines({ added, changed, unchanged, untouched }: Plan, environment: string): string[] {
  const counts = `${added.length} added, ${changed.length} changed, ${unchanged.length} unchanged`
  const others = untouched === 0 ? '' : `; ${environment} keeps ${untouched} that the source does not have`
  return [
    ...added.map(({ key, flag, secret }) => `  + ${key}  ${secret ? HIDDEN : show(flag)}`),
    ...changed.map((change) => `  ~ ${change.key}  ${differences(change).join(', ')}`),
    ...unchanged.map((key) => `  = ${key}`),
    `${counts}${others}`,
  ]
}

/** The plan as `--json` prints it. */
export const planJson = ({ added, changed, unchanged, warnings }: Plan) => ({
  added: added.map(({ key, flag, secret }) => (secret ? { key } : { key, flag })),
  changed: changed.map(({ key, before, after, secret }) => (secret ? { key } : { key, before, after })),
  unchanged,
  warnings,
})

const HIDDEN = '(encrypted, not shown)'

function differences({ before, after, secret }: Changed): string[] {
  if (secret) return [HIDDEN]
  if (!isObject(before) || !isObject(after)) return [`${show(before)} → ${show(after)}`]
  const fields = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...fields].flatMap((field) => {
    const [old, now] = [before[field], after[field]]
    if (JSON.stringify(old) === JSON.stringify(now)) return []
    if (old === undefined) return `${field} ${show(now)} added`
    return now === undefined ? `${field} removed` : `${field} ${show(old)} → ${show(now)}`
  })
}
