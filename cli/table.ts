/** Rows in columns, for people. Pure. */

/** Every column as wide as its widest cell, two spaces between; no spaces at the end of a line. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, width(cell))
    })
  return rows.map((row) =>
    row
      .map((cell, at) => cell + ' '.repeat(widths[at]! - width(cell)))
      .join('  ')
      .trimEnd(),
  )
}

/** In characters, as far as code points are characters. */
const width = (text: string): number => [...text].length
