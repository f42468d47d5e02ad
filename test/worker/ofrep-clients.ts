/** What the tests of published OFREP clients share: a document, the way to the edge, and a stream as browsers have it. */
import type { FlagDocument } from '../../engine/index.ts'
import type { Edge } from './edge.ts'

export const document: FlagDocument = {
  flags: {
    'plain-on': true,
    text: {
      enabled: true,
      variants: { a: 'one', b: 'two' },
      off: 'a',
      fallthrough: 'b',
      metadata: { owner: 'shop', tier: 2, core: true },
    },
    count: { enabled: true, variants: { few: 3, many: 30 }, off: 'few', fallthrough: 'many' },
    ratio: { enabled: true, variants: { half: 0.5, one: 1 }, off: 'half', fallthrough: 'one', client: true },
    theme: {
      enabled: true,
      variants: { dark: { color: '#000', sizes: [1, 2.5] }, light: {} },
      off: 'light',
      fallthrough: 'dark',
      client: true,
    },
    half: { enabled: true, percentage: 50, allowlist: ['ada'], client: true },
    pro: {
      enabled: true,
      rules: [{ id: 'pro', when: { attribute: 'plan', op: 'equals', value: 'pro' }, serve: 'on' }],
      fallthrough: 'off',
      client: true,
    },
  },
}

export interface Exchange {
  readonly search: string
  readonly contentType: string | null
  readonly ifNoneMatch: string | null
  readonly body: string
  readonly status: number
}

/** `fetch` for a client, that leads to this edge; and what went over it. */
export function throughClient(edge: Edge) {
  const sent: Exchange[] = []
  const fetchImplementation = async (input: RequestInfo | URL): Promise<Response> => {
    const request = input as Request
    const { method, headers, url } = request
    const body = await request.text()
    const response = await edge.fetch(url, { method, headers, ...(body !== '' && { body }) })
    sent.push({
      search: new URL(url).search,
      contentType: headers.get('content-type'),
      ifNoneMatch: headers.get('if-none-match'),
      body,
      status: response.status,
    })
    return response
  }
  return { sent, fetchImplementation: fetchImplementation as typeof fetch }
}

/** `EventSource` as the HTML standard has it, as far as clients use it, over requests to an edge; it does not come back by itself. */
export function eventSourceOver(edge: Edge) {
  const opened: string[] = []
  class EdgeEventSource extends EventTarget {
    readyState = 0
    #reader: ReadableStreamDefaultReader<string> | undefined

    constructor(url: string) {
      super()
      opened.push(url)
      this.#read(url)
    }

    async #read(url: string): Promise<void> {
      const { status, body } = await edge.fetch(url)
      if (status !== 200) {
        this.readyState = 2
        this.dispatchEvent(new Event('error'))
        return
      }
      this.readyState = 1
      this.dispatchEvent(new Event('open'))
      const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
      this.#reader = reader
      for (let part = await reader.read(); !part.done && this.readyState === 1; part = await reader.read())
        for (const [, data] of part.value.matchAll(/^data: (.+)$/gm))
          this.dispatchEvent(new MessageEvent('message', { data }))
    }

    close(): void {
      this.readyState = 2
      this.#reader?.cancel().catch(() => {})
    }
  }
  return { opened, EventSource: EdgeEventSource as new (url: string) => EventTarget }
}
