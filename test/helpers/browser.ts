/** The system's Chromium, without a window, driven over its DevTools protocol: no package, no download. */
import { spawn } from 'node:child_process'
import { findChromium } from './chromium.ts'
import { makeTemporaryFolder, removeFolder } from './temporary-folder.ts'

/** `null`: there is none, and no such test. */
export const CHROMIUM: string | null = findChromium()

type Params = Record<string, unknown>
// biome-ignore lint/suspicious/noExplicitAny: whatever the protocol answers
type Answer = any

export interface Page {
  /** Goes there and waits until everything has loaded. */
  open(url: string): Promise<void>
  /** The value of an expression; a promise is waited for. Throws what the page threw. */
  evaluate<T>(expression: string): Promise<T>
  /** Addresses of all requests since the page was opened. */
  readonly requests: readonly string[]
  /** What the page logged at `warning` or `error`, and exceptions that nobody caught. */
  readonly complaints: readonly string[]
  /** Addresses that are out of reach from now on; `*` stands for anything. */
  block(patterns: readonly string[]): Promise<void>
}

export interface Browser {
  newPage(): Promise<Page>
  close(): Promise<void>
}

/** To be evaluated in a page: how often something that was painted has moved, two frames from now. */
export const shifts = `new Promise((done) => {
  let count = 0
  const observer = new PerformanceObserver((list) => { count += list.getEntries().length })
  observer.observe({ type: 'layout-shift', buffered: true })
  const frames = (left) => requestAnimationFrame(() => setTimeout(() => left === 0 ? done(count) : frames(left - 1), 50))
  frames(2)
})`

export async function startBrowser(): Promise<Browser> {
  if (CHROMIUM === null) throw new Error('there is no Chromium on this machine')
  const profile = makeTemporaryFolder()
  const child = spawn(
    CHROMIUM,
    [
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      // Containers have no user namespaces for its sandbox; it opens nothing but this test's own pages.
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--no-first-run',
      '--no-proxy-server',
      '--disable-background-networking',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  const address = await new Promise<string>((found, failed) => {
    let text = ''
    child.stderr.on('data', (chunk) => {
      text += chunk
      const url = /DevTools listening on (ws:\S+)/.exec(text)?.[1]
      if (url !== undefined) found(url)
    })
    child.once('close', () => failed(new Error(`Chromium ended:\n${text}`)))
  })
  const { send, on, socket } = await connect(address)
  return {
    async newPage() {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
      return page((method, params) => send(method, params, sessionId), on(sessionId))
    },
    async close() {
      await send('Browser.close')
      socket.close()
      await ended
      removeFolder(profile)
    },
  }
}

type Send = (method: string, params?: Params) => Promise<Answer>
type On = (method: string, listener: (params: Answer) => void) => void

async function page(send: Send, on: On): Promise<Page> {
  let requests: string[] = []
  let complaints: string[] = []
  let loaded = () => {}
  on('Page.loadEventFired', () => loaded())
  on('Network.requestWillBeSent', ({ request }) => requests.push(request.url))
  on('Runtime.exceptionThrown', ({ exceptionDetails: { exception, text } }) =>
    complaints.push(exception?.description ?? text),
  )
  on('Runtime.consoleAPICalled', ({ type, args }) => {
    if (type === 'warning' || type === 'error')
      complaints.push(args.map((arg: Answer) => arg.description ?? String(arg.value)).join(' '))
  })
  on('Log.entryAdded', ({ entry: { level, text, url } }) => {
    if (level === 'error') complaints.push(`${text} ${url}`)
  })
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await send(`${domain}.enable`)
  return {
    get requests() {
      return requests
    },
    get complaints() {
      return complaints
    },
    async open(url) {
      requests = []
      complaints = []
      const load = new Promise<void>((done) => {
        loaded = done
      })
      const { errorText } = await send('Page.navigate', { url })
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`)
      await load
    },
    async evaluate(expression) {
      const asked = { expression, awaitPromise: true, returnByValue: true }
      const { result, exceptionDetails } = await send('Runtime.evaluate', asked)
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
      return result.value
    },
    async block(urls) {
      await send('Network.setBlockedURLs', { urls })
    },
  }
}

/** One socket for the browser and all its pages; each has a session. */
async function connect(address: string) {
  const socket = new WebSocket(address)
  await new Promise((open, failed) => {
    socket.addEventListener('open', open)
    socket.addEventListener('error', () => failed(new Error(`cannot connect to ${address}`)))
  })
  const waiting = new Map<number, { done: (answer: Answer) => void; failed: (error: Error) => void }>()
  const listeners: { session: string; method: string; listener: (params: Answer) => void }[] = []
  let sent = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, sessionId, method, params, result, error } = JSON.parse(data)
    if (id === undefined) {
      for (const each of listeners)
        if (each.session === sessionId && each.method === method) each.listener(params)
      return
    }
    const call = waiting.get(id)
    waiting.delete(id)
    if (error) call?.failed(new Error(error.message))
    else call?.done(result)
  })
  const send = (method: string, params: Params = {}, sessionId?: string): Promise<Answer> =>
    new Promise((done, failed) => {
      sent += 1
      waiting.set(sent, { done, failed })
      socket.send(JSON.stringify({ id: sent, method, params, ...(sessionId && { sessionId }) }))
    })
  const on =
    (session: string): On =>
    (method, listener) =>
      listeners.push({ session, method, listener })
  return { socket, send, on }
}
