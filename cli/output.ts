/**
 * Everything a command prints: results to standard output, the rest to standard error. What was declared secret is never
 * printed, and neither are control characters, which a value from elsewhere could use to rewrite the terminal.
 */

/** Receives text, whole lines at a time. */
export type Write = (text: string) => void

export interface Streams {
  /** Standard output. */
  readonly out: Write
  /** Standard error. */
  readonly err: Write
  /** Resolves when standard output wants more. */
  drained(): Promise<void>
}

export interface Output {
  /** A line for people. */
  line(text: string): void
  /** A line on standard error. */
  note(text: string): void
  /** Lines on a screen that take the place of those painted before, if nothing was printed since. */
  paint(lines: readonly string[]): void
  /** A value for machines, as indented JSON. */
  json(value: unknown): void
  /** Text for machines, as it is and as fast as it is read. */
  data(text: string): Promise<void>
  /** From now on this text is printed as `***`. */
  hide(secret: string | undefined): void
}

/** Shorter texts are not hidden: they would take half the words with them. */
const MIN_SECRET_LENGTH = 8

export function createOutput({ out, err, drained }: Streams): Output {
  const secrets = new Set<string>()
  let painted = 0
  const safe = (text: string): string => {
    let shown = text.replace(CONTROL, '\uFFFD')
    for (const secret of secrets) shown = shown.replaceAll(secret, '***')
    return `${shown}\n`
  }
  return {
    line(text) {
      painted = 0
      out(safe(text))
    },
    note(text) {
      painted = 0
      err(safe(text))
    },
    paint(lines) {
      const back = painted === 0 ? '' : `\u001b[${painted}A\u001b[0J`
      out(back + lines.map(safe).join(''))
      painted = lines.length
    },
    json: (value) => out(safe(JSON.stringify(value, null, 2))),
    async data(text) {
      out(text)
      await drained()
    },
    hide(secret) {
      if (secret !== undefined && secret.length >= MIN_SECRET_LENGTH) secrets.add(secret)
    },
  }
}

/** C0 but for tab and line feed, DEL, C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
