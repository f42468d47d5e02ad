/**
 * WebSockets and event streams of routes with `drain`: passed on message by message, so that the edge can end them when their
 * visitor is served elsewhere. Each watches the isolate's memory by a timer of its own: no promise crosses requests.
 */
import { isOriginKilled, type Prepared } from '../engine/index.ts'
import { decide, originOf } from './decide.ts'
import type { Destination } from './destination.ts'
import { Draining, type Whereabouts } from './drain.ts'
import type { Forwarding } from './forward.ts'
import type { View } from './preview.ts'
import type { Answered } from './second-try.ts'

/** How often a connection looks: what a change takes at most from the isolate's memory to its end. */
const LOOK_MS = 500

/** Codes of RFC 6455, section 7.4, and of IANA's registry after it. */
const GOING_AWAY = 1001
const NO_STATUS = 1005
const ABNORMAL = 1006
const SERVER_ERROR = 1011
const SERVICE_RESTART = 1012
const TRY_AGAIN_LATER = 1013
const HARMLESS = [NO_STATUS, SERVICE_RESTART, TRY_AGAIN_LATER]
const FIRST_OF_APPLICATIONS = 3000

interface Watching {
  readonly draining: Draining
  /** What requests are answered by now; `null`: nothing is loaded. Never waits. */
  readonly later: () => View | null
  readonly placeIn: (view: View) => Whereabouts
  /** The origin broke it off, or said that something went wrong. */
  readonly aborted: () => void
  readonly isClientGone: () => boolean
}

/** Whether a response stays open, for as long as both sides like. */
export const isLongLived = ({ webSocket, ok, headers }: Response): boolean =>
  (webSocket !== null && webSocket !== undefined) ||
  (ok && /^text\/event-stream\s*(;|$)/i.test(headers.get('content-type') ?? ''))

/** What began a connection, and how to know whether it would begin so now. */
export interface Begun {
  readonly forwarding: Forwarding
  /** The origin that was asked first. */
  readonly chosen: Destination
  /** What the same request would be answered by now; `null`: nothing is loaded. Never waits. */
  readonly later: () => View | null
}

/** The response of a route with `drain`: ends with its visitor's place there. */
export function drainable({ response, served }: Answered, { forwarding, chosen, later }: Begun): Response {
  const { facts, route, key, decided } = forwarding
  const upstream = served === chosen.to.variant ? chosen.upstream : null
  const placeIn = ({ prepared, routes, preview }: View): Whereabouts => {
    const now = routes.named(route.route.id)
    if (now === null) return { variant: null, isKill: false }
    if (upstream !== null && isOriginKilled(prepared.kills, upstream.name))
      return { variant: null, isKill: true }
    const decision = decide(prepared, now, facts, key, preview)
    return { variant: originOf(now, decision).variant, isKill: decision.metadata.killed === true }
  }
  const watching: Watching = {
    draining: new Draining(route.route.drain!, decided.variant, Math.random()),
    later,
    placeIn,
    aborted: () => upstream?.abort(),
    isClientGone: () => facts.request.signal.aborted,
  }
  return response.webSocket
    ? drainableSocket(response, response.webSocket, watching)
    : drainableStream(response, watching)
}

/** Calls `over` once, when the connection is to end. Answers what ends the watch. */
function watch({ draining, later, placeIn }: Watching, over: () => void): () => void {
  let seen: Prepared | null = null
  let place: Whereabouts | null = null
  const timer = setInterval(() => {
    const view = later()
    if (view !== null && view.prepared !== seen) {
      seen = view.prepared
      place = placeIn(view)
    }
    if (place === null || !draining.isOver(place, Date.now())) return
    clearInterval(timer)
    over()
  }, LOOK_MS)
  return () => clearInterval(timer)
}

function drainableSocket(response: Response, origin: WebSocket, watching: Watching): Response {
  const { 0: client, 1: edge } = new WebSocketPair()
  const stop = watch(watching, () => {
    close(edge, SERVICE_RESTART, 'served elsewhere now: connect again')
    close(origin, GOING_AWAY, 'the visitor is served elsewhere now')
  })
  for (const socket of [origin, edge]) {
    socket.binaryType = 'arraybuffer'
    socket.accept()
  }
  pump(origin, edge, (code) => {
    stop()
    if (isAbnormal(code)) watching.aborted()
  })
  pump(edge, origin, stop)
  // What was agreed with the origin about compression is not what is agreed with the client.
  const headers = new Headers(response.headers)
  headers.delete('sec-websocket-extensions')
  return new Response(null, { status: 101, webSocket: client, headers })
}

/** Text stays text, bytes stay bytes, and a close keeps its code and reason. The platform says nothing of what it holds back. */
function pump(from: WebSocket, to: WebSocket, ended: (code: number) => void): void {
  from.addEventListener('message', ({ data }) => {
    try {
      to.send(data as string | ArrayBuffer)
    } catch {
      // The other side has closed meanwhile: nobody is left to read it.
    }
  })
  // An error may follow a close, or a close an error: the first says what happened.
  let isOver = false
  const end = (code: number, reason: string): void => {
    if (isOver) return
    isOver = true
    ended(code)
    close(to, code, reason)
    close(from, code, reason)
  }
  from.addEventListener('close', ({ code, reason }) => end(code, reason))
  from.addEventListener('error', () => end(ABNORMAL, ''))
}

/**
 * What cannot be sent (a code that stands for none or is none, a reason that is too long) becomes one that says as much. Harmless
 * for a socket that is closed.
 */
function close(socket: WebSocket, code: number, reason: string): void {
  try {
    if (code === NO_STATUS) socket.close()
    else socket.close(code, reason)
  } catch {
    if (code !== SERVER_ERROR) close(socket, SERVER_ERROR, 'the other side broke off')
  }
}

/** Whether a close says that something went wrong, and not that somebody is done, is restarted or is busy. */
const isAbnormal = (code: number): boolean =>
  code > GOING_AWAY && code < FIRST_OF_APPLICATIONS && !HARMLESS.includes(code)

/** An event stream that ends is opened again by whoever reads it. */
function drainableStream(response: Response, watching: Watching): Response {
  if (response.body === null) return response
  const { readable, writable } = new IdentityTransformStream()
  const draining = new AbortController()
  const stop = watch(watching, () => draining.abort())
  void passOn(response.body, writable, draining.signal, watching).finally(stop)
  return new Response(readable, response)
}

/** Never throws. */
async function passOn(
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  signal: AbortSignal,
  { aborted, isClientGone }: Watching,
): Promise<void> {
  try {
    await body.pipeTo(writable, { signal, preventAbort: true })
  } catch (cause) {
    if (!signal.aborted && !isClientGone()) aborted()
    const writer = writable.getWriter()
    // A stream that broke off must not pass for a whole one.
    await (signal.aborted ? writer.close() : writer.abort(cause)).catch(() => undefined)
  }
}
