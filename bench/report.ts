/** How benchmarks show what they found: aligned tables, goals met or missed, and the conditions of the run. */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Ratio } from './statistics.ts'

/** Rows of cells, the first one the header; the first column is left-aligned, all others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
  return rows.map((row) => `  ${line(row).trimEnd()}`).join('\n')
}

/** A figure with three significant digits, or whole. */
export const figure = (value: number): string =>
  value >= 100
    ? Math.round(value).toLocaleString('en').replaceAll(',', ' ')
    : value.toFixed(value >= 10 ? 1 : 2)

export interface Goal {
  readonly name: string
  readonly ratio: Ratio
  /** Smallest or largest median that is good enough; neither: told, and no goal. */
  readonly atLeast?: number
  readonly atMost?: number
}

const isMet = ({ ratio, atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Goal): boolean =>
  ratio.median >= atLeast && ratio.median <= atMost

/** One row a goal: what was asked for, what was found in the median round, and in the lowest and highest. */
function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => [
    goal.name,
    wanted(goal),
    goal.ratio.median.toFixed(2),
    `${goal.ratio.min.toFixed(2)}–${goal.ratio.max.toFixed(2)}`,
    wanted(goal) === '' ? '' : isMet(goal) ? 'met' : 'MISSED',
  ])
  return table([['ratio', 'goal', 'median', 'rounds', ''], ...rows])
}

const wanted = ({ atLeast, atMost }: Goal): string =>
  atLeast !== undefined ? `≥ ${atLeast}` : atMost !== undefined ? `≤ ${atMost}` : ''

/** Prints the goals; with `--check` a missed one fails the process. */
export function finish(goals: readonly Goal[]): void {
  console.log(`\n${goalTable(goals)}`)
  const missed = goals.filter((goal) => !isMet(goal)).length
  if (missed > 0 && process.argv.includes('--check')) {
    console.error(`\n${missed} of ${goals.length} goals missed`)
    process.exitCode = 1
  }
}

/** Machine, runtime and date, on one line. */
export function conditions(): string {
  const processors = cpus()
  return [
    `Node ${process.versions.node} (V8 ${process.versions.v8})`,
    `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}`,
    `${process.platform}-${process.arch}`,
    `load ${loadAverage()} at the start`,
    new Date().toISOString().slice(0, 16).replace('T', ' '),
  ].join(', ')
}

/** Of the last minute. Other work on the machine makes absolute figures meaningless, and ratios noisy. */
function loadAverage(): string {
  try {
    return readFileSync('/proc/loadavg', 'utf8').split(' ')[0]!
  } catch {
    return 'unknown'
  }
}

/** Values of `--name=value`, however often it is given. */
export const options = (name: string): string[] =>
  process.argv
    .filter((argument) => argument.startsWith(`--${name}=`))
    .map((argument) => argument.slice(name.length + 3))

/** The last `--name=N`, a whole number from 1, or `standard`. Throws where it is something else. */
export function option(name: string, standard: number): number {
  const text = options(name).at(-1)
  if (text === undefined) return standard
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1) return value
  throw new Error(`--${name} must be a whole number from 1, got ${JSON.stringify(text)}`)
}

/** Shown to a person who waits, and to nobody else; empty: nothing more to show. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
