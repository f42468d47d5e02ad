/**
 * Sends one event to one webhook, once. Whatever comes of it is an `Attempt`: it never throws for what a target does. The
 * only file here that opens a connection.
 */
import { messageOf } from '../log.ts'
import { sanitized } from './answer.ts'
import { type Credentials, type Format, secretsOf, signingSecrets } from './definition.ts'
import { type AuditEvent, eventId } from './event.ts'
import { bodyOf } from './format.ts'
import { type Attempt, retryAfterMs } from './retry.ts'
import { signaturesOf } from './signature.ts'
import { targetProblem } from './target.ts'

/** From the first byte sent to the last one read. */
export const ATTEMPT_TIMEOUT_MS = 10_000
/** Bytes of a refusal that are read. */
const MAX_READ = 4_096

/** `local`: this is a local run, where targets may be on this machine. */
export async function send(
  event: AuditEvent,
  format: Format,
  credentials: Credentials,
  local: boolean,
): Promise<Attempt> {
  const atMs = Date.now()
  const { url, routingKey } = credentials
  const secrets = secretsOf(credentials)
  const failed = (problem: string) => ({
    atMs,
    durationMs: Date.now() - atMs,
    status: null,
    problem,
    answer: null,
    retryAfterMs: null,
  })
  const refused = targetProblem(url, local)
  if (refused !== null) return failed(`not sent: the URL ${refused}`)
  const body = bodyOf(event, format, routingKey)
  const headers = await headersOf(eventId(event), signingSecrets(credentials, atMs), body, atMs)
  try {
    const answer = await exchange(url, headers, body)
    const { status } = answer
    return {
      atMs,
      durationMs: Date.now() - atMs,
      status,
      problem: problemOf(status),
      answer: sanitized(answer.text, secrets),
      retryAfterMs: retryAfterMs(answer.retryAfter, Date.now()),
    }
  } catch (thrown) {
    return failed(`no answer: ${sanitized(messageOf(thrown), secrets) ?? 'the connection failed'}`)
  }
}

async function headersOf(id: string, secrets: readonly string[], body: string, nowMs: number) {
  const timestamp = Math.floor(nowMs / 1000)
  return {
    'content-type': 'application/json',
    'user-agent': 'Turnout-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': await signaturesOf(secrets, id, timestamp, body),
  }
}

function problemOf(status: number): string | null {
  if (status >= 200 && status <= 299) return null
  if (status >= 300 && status <= 399) return `answered ${status}: redirects are not followed`
  if (status === 410) return 'answered 410: it wants nothing more'
  return `answered ${status}`
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  /** Start of a refusal's body; empty for a success. */
  readonly text: string
}

async function exchange(url: string, headers: Record<string, string>, body: string): Promise<Answer> {
  const abort = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`nothing within ${ATTEMPT_TIMEOUT_MS / 1000} s`))
    abort.abort()
  }, ATTEMPT_TIMEOUT_MS)
  try {
    const init = { method: 'POST', headers, body, redirect: 'manual', signal: abort.signal } as const
    return await Promise.race([fetch(url, init).then(read), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response
  const text = response.ok ? '' : await startOf(response.body)
  if (response.ok) await response.body?.cancel()
  return { status, retryAfter: headers.get('retry-after'), text }
}

async function startOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let left = MAX_READ
  for await (const part of body ?? []) {
    text += decoder.decode(part.subarray(0, left), { stream: true })
    left -= part.byteLength
    // Leaving the loop cancels the stream.
    if (left <= 0) break
  }
  return text
}
