/** One copy of a request at a mirror's variant: sent, compared with what the visitor got, and thrown away. Never throws. */
import { MAX_DIFFERENCE_TEXT, type MirrorDifference, type Mirrored } from '../engine/index.ts'
import { NETWORK } from './attempt.ts'
import { wholeOf } from './body.ts'
import { bodyDifference, type Ignored, isSlower, sameStatusClass } from './compare.ts'
import type { Destination } from './destination.ts'
import { type Forwarding, forwarded } from './forward.ts'

/** A copy that is not answered by then has failed; no more of a body is waited for. */
const TIMEOUT_MS = 5_000
/** Larger bodies are neither sent with a copy nor compared. */
export const MAX_BYTES = 65_536

/** What the visitor was answered with. */
export interface Original {
  readonly response: Response
  readonly served: string
  /** To its headers. */
  readonly latencyMs: number
}

export interface Shadow extends Destination {
  readonly forwarding: Forwarding
  readonly body: ArrayBuffer | undefined
  readonly ignored: Ignored
  readonly original: Original
  /** Whether bodies are compared, if both are small enough. */
  readonly compares: boolean
}

export interface Outcome {
  readonly counted: readonly Mirrored[]
  readonly difference: MirrorDifference | null
}

/** Before anybody reads the original's body. */
export async function shadow(what: Shadow): Promise<Outcome> {
  const { forwarding, body, original, compares } = what
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const own = compares ? textOf(original.response.clone().body, signal) : null
  try {
    const { target, init } = await forwarded(what, forwarding, body)
    init.headers.set('x-turnout-shadow', '1')
    const sentAtMs = Date.now()
    const response = await (what.upstream.service ?? NETWORK).fetch(target, { ...init, signal })
    const latencyMs = Date.now() - sentAtMs
    const isAlike = sameStatusClass(original.response.status, response.status)
    const theirs = own !== null && isAlike ? textOf(response.body, signal) : null
    if (theirs === null) void response.body?.cancel().catch(() => undefined)
    return await judged(what, { status: response.status, latencyMs }, await own, await theirs)
  } catch {
    return { counted: ['sent', 'failed'], difference: null }
  }
}

interface Answer {
  readonly status: number
  readonly latencyMs: number
}

async function judged(
  { original, ignored, forwarding }: Shadow,
  { status, latencyMs }: Answer,
  own: string | null,
  theirs: string | null,
): Promise<Outcome> {
  const compared = own !== null && theirs !== null
  const differs = compared ? bodyDifference(own, theirs, ignored) : null
  const unlike: Mirrored[] = []
  if (!sameStatusClass(original.response.status, status)) unlike.push('status')
  if (isSlower(original.latencyMs, latencyMs)) unlike.push('latency')
  if (differs !== null) unlike.push('body')
  const counted: Mirrored[] = ['sent', ...(unlike.length === 0 ? (['matched'] as const) : unlike)]
  if (compared) counted.push('bodies')
  if (unlike.length === 0) return { counted, difference: null }
  const { request, path } = forwarding.facts
  const difference: MirrorDifference = {
    atMs: Date.now(),
    method: request.method.slice(0, MAX_DIFFERENCE_TEXT),
    path: path.slice(0, MAX_DIFFERENCE_TEXT),
    served: original.served,
    status: [original.response.status, status],
    latencyMs: [original.latencyMs, latencyMs],
    hashes: differs && [await hashOf(differs.texts[0]), await hashOf(differs.texts[1])],
    pointer: differs?.pointer?.slice(0, MAX_DIFFERENCE_TEXT) ?? null,
  }
  return { counted, difference }
}

const encoder = new TextEncoder()

/** Tells bodies apart and not what is in them. */
async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(text))
  return Array.from(new Uint8Array(digest, 0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** `null`: too long, too late, or broken off. */
const textOf = async (body: ReadableStream<Uint8Array> | null, signal: AbortSignal): Promise<string | null> =>
  (await wholeOf(body, MAX_BYTES, signal))?.text() ?? null
