/**
 * A request's body that streams to its origin, piece by piece, so that the edge knows whose fault it is if nothing comes of it: a
 * client that sends slowly, breaks off or sends what is no HTTP says nothing about the origin.
 */

/** What a request brings: read already, so that it can be sent again, or on its way. */
export type Content = ArrayBuffer | Upload

/** Read at a time. */
const PIECE_BYTES = 65_536

export class Upload {
  /** What is sent; with the client's length, where it gave one. */
  readonly stream: ReadableStream<Uint8Array>
  /** Aborted once the client broke off, or its chunks were none: ends the request to the origin. */
  readonly broken: AbortSignal
  readonly #broken = new AbortController()
  /** The next piece has yet to come from the client. */
  isAwaited = true

  /** `length`: of the body, bytes; `null`: nobody knows. */
  constructor(body: ReadableStream<Uint8Array>, length: number | null) {
    const { readable, writable } =
      length === null ? new IdentityTransformStream() : new FixedLengthStream(length)
    this.stream = readable
    this.broken = this.#broken.signal
    void this.#pass(body.getReader({ mode: 'byob' }), writable.getWriter())
  }

  /** Never throws. */
  async #pass(
    reader: ReadableStreamBYOBReader,
    writer: WritableStreamDefaultWriter<Uint8Array>,
  ): Promise<void> {
    try {
      for (;;) {
        this.isAwaited = true
        const { done, value } = await reader.read(new Uint8Array(PIECE_BYTES)).catch((cause: unknown) => {
          // An error in the stream would reach the origin as its end: the request goes, not the rest of its body.
          this.#broken.abort()
          throw cause
        })
        this.isAwaited = false
        if (done) break
        await writer.write(value)
      }
      await writer.close()
    } catch (cause) {
      // The client is at fault, or the origin wants no more: nobody waits for the rest.
      this.isAwaited = false
      await reader.cancel(cause).catch(() => undefined)
    }
  }
}
