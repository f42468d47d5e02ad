/** The lines of a text that comes in pieces. */

/** Longest line, in UTF-16 units: more than any record has, and little enough to cross RPC, which takes 32 MiB. */
const MAX_LINE = 15 * 1024 * 1024

/** Without their line feeds. The rest after the last one, which a whole backup does not have, is a line too. Throws `Unreadable` if one is longer than MAX_LINE. */
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
    if (length > MAX_LINE) throw new Unreadable(`has a line of more than ${MAX_LINE} characters`)
    if (start < piece.length) rest.push(piece.slice(start))
  }
  if (rest.length > 0) yield rest.join('')
}

/** The text of bytes that come in pieces. Throws `Unreadable` if they are no UTF-8. */
export async function* textOf(bytes: AsyncIterable<Uint8Array>, decoder: Decoder): AsyncGenerator<string> {
  for await (const piece of bytes) yield decoded(() => decoder.decode(piece, { stream: true }))
  yield decoded(() => decoder.decode())
}

/** A `TextDecoder` that is `fatal` and does not ignore a byte order mark. */
export interface Decoder {
  decode(bytes?: Uint8Array, options?: { readonly stream: boolean }): string
}

function decoded(decode: () => string): string {
  try {
    return decode()
  } catch (cause) {
    throw new Unreadable('is not UTF-8', { cause })
  }
}

/** The file cannot even be cut into lines; the message completes "the file …". */
export class Unreadable extends Error {}
