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
  readonly #broken = new AbortController()
  /** The next piece has yet to come from the client. */
  isAwaited = true

  /** Ends the request to the origin. */
  get signal(): AbortSignal {
    return this.#broken.signal
  }

  /** The client broke off, or its chunks are none. */
  get isBroken(): boolean {
    return this.#broken.signal.aborted
  }

  /** `length`: of the body, bytes; `null`: nobody knows. */
  constructor(body: ReadableStream<Uint8Array>, length: number | null) {
    const { readable, writable } =
      length === null ? new IdentityTransformStream() : new FixedLengthStream(length)
    this.stream = readable
    void this.#pass(body.getReader({ mode: 'byob' }), writable.getWriter())
  }

  /** Never throws. */
  async #pass(
    reader: ReadableStreamBYOBReader,
    writer: WritableStreamDefaultWriter<Uint8Array>,
  ): Promise<void> {
    try {
      for (;;) {
        const piece = await this.#next(reader)
        if (piece === null) break
        await writer.write(piece)
      }
      await writer.close()
    } catch (cause) {
      // The client is at fault, or the origin wants no more: nobody waits for the rest.
      await reader.cancel(cause).catch(() => undefined)
    }
  }

  /** `null`: there is no more. */
  async #next(reader: ReadableStreamBYOBReader): Promise<Uint8Array | null> {
    this.isAwaited = true
    try {
      const { done, value } = await reader.read(new Uint8Array(PIECE_BYTES))
      return done ? null : value
    } catch (cause) {
      // An error in the stream would reach the origin as its end: the request goes, not the rest of its body.
      this.#broken.abort()
      throw cause
    } finally {
      this.isAwaited = false
    }
  }
}
