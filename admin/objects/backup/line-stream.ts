/** Lines as a stream of bytes, which is what crosses RPC whatever its size. */

/** Bytes of one piece, or one line if that is longer. */
const PIECE = 64 * 1024

/** Takes lines only as fast as they are read. What `lines` throws breaks the stream off. */
export function lineStream(lines: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      let piece = ''
      for (;;) {
        const { done, value } = lines.next()
        piece += value ?? ''
        if (piece !== '' && (done || piece.length >= PIECE)) controller.enqueue(encoder.encode(piece))
        if (done) controller.close()
        if (done || piece.length >= PIECE) return
      }
    },
  })
}
