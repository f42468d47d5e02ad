/** An answer that is written little by little: reads ahead by one part at most, so whoever is slow slows the reading down. */
export function streamOf(parts: AsyncGenerator<string | Uint8Array>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next()
      if (done) controller.close()
      else controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value)
    },
    async cancel() {
      await parts.return(undefined)
    },
  })
}

/** The same parts, begun: what fails before the first of them fails before an answer begins. */
export async function begun<T>(parts: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
  const first = await parts.next()
  return rest()

  async function* rest(): AsyncGenerator<T> {
    if (first.done) return
    yield first.value
    yield* parts
  }
}

export const NDJSON = 'application/x-ndjson'
