/** Whether two snapshots of one version say the same, in whatever order their flags and segments stand. Pure. */
import { sameJson } from '../governance/same-json.ts'

/** Both in wire form: a line for the header, then one for each flag. */
export function sameSnapshot(one: string, other: string): boolean {
  const [mine, theirs] = [partsOf(one), partsOf(other)]
  return sameJson(mine.header, theirs.header) && sameJson(mine.flags, theirs.flags)
}

function partsOf(text: string): { header: unknown; flags: Record<string, unknown> } {
  const [first = '', ...lines] = text.split('\n')
  // Its length is that of the lines, which may be written in other words.
  const { length: _, ...header } = JSON.parse(first) as { length: number }
  const flags = lines
    .filter((line) => line !== '')
    .map((line): [string, unknown] => {
      const tab = line.indexOf('\t')
      return [line.slice(0, tab), JSON.parse(line.slice(tab + 1))]
    })
  return { header, flags: Object.fromEntries(flags) }
}
