/** Checks the settings of a TOML file, whole: every problem is noted with its path, and checking goes on. Pure. */

export type Table = Readonly<Record<string, unknown>>

export class TableCheck {
  /** A sentence each, which begins with the path. */
  readonly problems: string[] = []

  problem(path: string, sentence: string): void {
    this.problems.push(`${path} ${sentence}`)
  }

  /** `fields`: the ones there may be; default: any. */
  table(value: unknown, path: string, fields?: readonly string[]): Table {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problem(path, `must be a table, got ${show(value)}`)
      return {}
    }
    if (fields !== undefined)
      for (const field of Object.keys(value).filter((name) => !fields.includes(name)))
        this.problem(path, `has no field ${show(field)}; there are ${fields.join(', ')}`)
    return value as Table
  }

  text(value: unknown, path: string, pattern: RegExp, must: string): string {
    if (typeof value === 'string' && pattern.test(value)) return value
    this.problem(path, `must be ${must}, got ${show(value)}`)
    return ''
  }

  texts(value: unknown, path: string, pattern: RegExp, must: string): string[] {
    if (Array.isArray(value)) return value.map((each, at) => this.text(each, `${path}[${at}]`, pattern, must))
    this.problem(path, `must be a list, got ${show(value)}`)
    return []
  }

  flag(value: unknown, path: string): boolean {
    if (typeof value !== 'boolean') this.problem(path, `must be true or false, got ${show(value)}`)
    return value === true
  }

  /** Names and texts. */
  vars(value: unknown, path: string): Record<string, string> {
    const entries = Object.entries(this.table(value, path))
    return Object.fromEntries(
      entries.map(([name, each]) => [name, this.text(each, `${path}.${name}`, /^/, 'a text')]),
    )
  }
}

export const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing'
