/** Problems of a document as a list that stays short: all are counted, the first ones are kept. Pure. */

export interface CompileIssue {
  /** JSONPath (RFC 9535) of the value, e.g. `$.flags['new-feature'].rules[0].serve`; names above 256 characters are cut. */
  readonly path: string
  readonly message: string
}

/** Most problems that an answer names. A document of 10 MiB has room for millions. */
export const MAX_ISSUES = 1000

export class Issues {
  count = 0
  readonly #kept: CompileIssue[] = []

  /** `issue` is asked only for what is kept. */
  add(issue: () => CompileIssue): void {
    this.count += 1
    // One more than is named: if it is the last, it stands for itself.
    if (this.count <= MAX_ISSUES + 1) this.#kept.push(issue())
  }

  /** In the order of the document; of too many the first, and one entry that says how many more there are. */
  list(noun: string): readonly CompileIssue[] {
    return shortened(this.#kept, this.count, noun)
  }
}

/** Of `count` issues, of which `issues` are the first: at most as many as an answer names, and one that counts the others. */
export function shortened(
  issues: readonly CompileIssue[],
  count: number,
  noun: string,
): readonly CompileIssue[] {
  if (count <= MAX_ISSUES + 1) return issues
  const more = { path: '$', message: `${count - MAX_ISSUES} more ${noun} are not listed` }
  return [...issues.slice(0, MAX_ISSUES), more]
}
