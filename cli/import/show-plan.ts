/** A plan as lines for people and as JSON for machines. Pure. */
import { show } from '../../engine/check.ts'
import { differences } from '../differences.ts'
import type { Changed, Plan } from './plan.ts'

/** One line for each flag: `+` added, `~` changed, `=` unchanged; then what stays as it is. */
export function planLines({ added, changed, unchanged, untouched }: Plan, environment: string): string[] {
  const counts = `${added.length} added, ${changed.length} changed, ${unchanged.length} unchanged`
  const others = untouched === 0 ? '' : `; ${environment} keeps ${untouched} that the source does not have`
  return [
    ...added.map(({ key, flag, secret }) => `  + ${key}  ${secret ? HIDDEN : show(flag)}`),
    ...changed.map((change) => `  ~ ${change.key}  ${changesOf(change).join(', ')}`),
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

const changesOf = ({ before, after, secret }: Changed): string[] =>
  secret ? [HIDDEN] : differences(before, after)
