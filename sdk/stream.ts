/**
 * Listens to the edge's stream by `fetch`, because `EventSource` sends no headers and is not everywhere. Of the events only
 * their ids are read, which name states. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { ask, type EdgeOptions } from './edge.ts'

/** The edge says something at least every 15 s: silence of three times that is a dead connection. */
const SILENCE_MS = 45_000
/** No event of the edge is nearly as long. */
const MAX_EVENT = 65_536

/**
 * Listens until the stream ends or breaks off, and answers how long the edge wants to be left alone then. `state`: what is known;
 * `hear` is called for each that comes, and waited for. Throws where the stream is refused, or is none.
 */
export const listen = (
  edge: EdgeOptions,
  state: string,
  closing: AbortSignal,
  hear: (state: string) => Promise<void>,
): Promise<number> =>
  ask(edge, 'stream', { 'last-event-id': state }, closing, SILENCE_MS, async ({ body }, more) => {
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    let restMs: number | undefined
    for (let rest = ''; ; ) {
      const { value } = await reader.read().catch(() => ({ value: undefined }))
      if (value === undefined) {
        // The edge begins with a `retry`.
        if (restMs === undefined) throw new Error('no event stream')
        return restMs
      }
      more()
      rest = (rest + value).slice(-MAX_EVENT)
      const whole = rest.lastIndexOf('\n') + 1
      for (const [, id, retry] of rest.slice(0, whole).matchAll(/^(?:id: ?(.+)|retry: ?(\d{1,5}))\r?$/gm)) {
        restMs ??= 0
        if (id) await hear(id)
        else restMs = Number(retry)
      }
      rest = rest.slice(whole)
    }
  })
