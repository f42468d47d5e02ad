/** A page as the remote client meets it: visibility, storage, streams, and an edge that is played by a function. */
import { onTestFinished, vi } from 'vitest'

export interface Asked {
  url: string
  headers: Record<string, string>
  body: unknown
}

type Answer = () => Response | Promise<Response>

/** An edge that gives its answers in turn, the last for ever, and remembers what it was asked. */
export function edge(...answers: Answer[]) {
  const asked: Asked[] = []
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const headers = { ...(init?.headers as Record<string, string>) }
    asked.push({ url: String(url), headers, body: JSON.parse(String(init?.body)) })
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    if (!answer) throw new Error('no answer left')
    const aborted = new Promise<never>((_, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })
    return Promise.race([answer(), aborted])
  }
  return { asked, fetch: fetch as typeof globalThis.fetch }
}

/** Web Storage in memory. */
export function memory(kept: Record<string, string> = {}) {
  return {
    kept,
    getItem: (name: string) => kept[name] ?? null,
    setItem: (name: string, text: string) => {
      kept[name] = text
    },
  }
}

/** A stream that a client has opened. */
export class Stream {
  static opened: Stream[] = []
  readonly url: URL
  isClosed = false
  onmessage: ((event: { lastEventId: string; data: string }) => void) | null = null
  onerror: (() => void) | null = null

  constructor(url: string) {
    this.url = new URL(url)
    Stream.opened.push(this)
  }

  say(lastEventId: string, data = '{"type":"refetchEvaluation"}'): void {
    this.onmessage?.({ lastEventId, data })
  }

  close(): void {
    this.isClosed = true
  }
}

/** Puts a page around the test: `EventSource`, `document` and a faked clock; chance is always a half. */
export function openPage({ bootstrap, hidden = false }: { bootstrap?: string; hidden?: boolean } = {}) {
  const document = Object.assign(new EventTarget(), {
    hidden,
    getElementById: (id: string) =>
      id === 'turnout-flags' && bootstrap !== undefined ? { textContent: bootstrap } : null,
  })
  const window = new EventTarget()
  Stream.opened = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  vi.stubGlobal('document', document)
  vi.stubGlobal('EventSource', Stream)
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
  onTestFinished(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })
  return {
    streams: Stream.opened,
    show(visible: boolean) {
      document.hidden = !visible
      document.dispatchEvent(new Event('visibilitychange'))
    },
    online: () => window.dispatchEvent(new Event('online')),
  }
}
