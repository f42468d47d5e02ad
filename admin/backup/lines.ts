/** The lines of a text that comes in pieces. */

/** Longest line, in UTF-16 units: more than any record has, and little enough for memory. */
export const MAX_LINE = 28 * 1024 * 1024

/** Without their line feeds. The rest after the last one, which a whole backup does not have, is a line too. Throws if one is longer than MAX_LINE. */
export async function* linesIn(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest: string[] = []
  let length = 0
  for await (const piece of pieces) {
    let start = 0
    for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', start)) {
      yield rest.join('') + piece.slice(start, end)
      rest = []
      length = 0
      start = end + 1
    }
    length += piece.length - start
    if (length > MAX_LINE) throw new LineTooLong()
    if (start < piece.length) rest.push(piece.slice(start))
  }
  if (rest.length > 0) yield rest.join('')
}

export class LineTooLong extends Error {
  constructor() {
    super(`a line has more than ${MAX_LINE} characters: this is no backup`)
  }
}
