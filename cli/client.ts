/** The admin API as commands use it. Every failure is a sentence: what the control plane said, or why it said nothing. */
import type { CompileIssue, FlagDocument } from '../engine/index.ts'
import type { Connection } from './connection.ts'
import { Failure, type Finding } from './failure.ts'

const TIMEOUT_MS = 30_000

/** The control plane answered, but with a problem. */
export class ApiFailure extends Failure {
  readonly status: number

  constructor(status: number, message: string, findings: readonly Finding[]) {
    super(message, findings)
    this.status = status
  }
}

export interface Held {
  readonly document: FlagDocument
  /** For `If-Match`. */
  readonly etag: string
}

export interface Published {
  /** The environment's version now. */
  readonly version: number
  readonly warnings: readonly CompileIssue[]
}

interface Call {
  readonly method: 'GET' | 'PATCH'
  /** Below /api/v1. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export class AdminClient {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async document(environment: string): Promise<Held> {
    const path = `/environments/${encodeURIComponent(environment)}/document`
    const { response, body } = await this.#call({ method: 'GET', path })
    const etag = response.headers.get('etag')
    if (etag === null) throw new Failure(`GET ${path} was answered without an ETag: ${this.#notOurs()}`)
    return { document: body as FlagDocument, etag }
  }

  /** Many flags in one version, all or none. */
  async patchFlags(
    environment: string,
    patch: unknown,
    { etag, reason }: { readonly etag: string; readonly reason: string },
  ): Promise<Published> {
    const query = new URLSearchParams({ reason })
    const path = `/environments/${encodeURIComponent(environment)}/flags?${query}`
    const headers = { 'if-match': etag, 'content-type': 'application/merge-patch+json' }
    const { body } = await this.#call({ method: 'PATCH', path, headers, body: patch })
    return body as Published
  }

  async #call(call: Call): Promise<{ response: Response; body: unknown }> {
    const { response, text } = await this.#exchange(call)
    if (!response.ok) throw this.#problem(call, response, text)
    try {
      return { response, body: JSON.parse(text) }
    } catch (error) {
      throw new Failure(`${named(call)} was not answered with JSON: ${this.#notOurs()}`, [], { cause: error })
    }
  }

  async #exchange(call: Call): Promise<{ response: Response; text: string }> {
    const { url, token } = this.#connection
    const { method, path, headers, body } = call
    try {
      const response = await fetch(`${url}/api/v1${path}`, {
        method,
        // The token is for this address and no other.
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { response, text: await response.text() }
    } catch (error) {
      const why = unreachable(error as Error, url)
      const unsure = method === 'GET' ? '' : '; whether it was carried out, --dry-run shows'
      throw new Failure(`${named(call)} failed: ${why}${unsure}`, [], { cause: error })
    }
  }

  #problem(call: Call, response: Response, text: string): Failure {
    const { status } = response
    if (status >= 300 && status < 400) {
      const location = response.headers.get('location') ?? 'nowhere'
      return new ApiFailure(
        status,
        `${this.#connection.url} redirects to ${location}: give its final address`,
        [],
      )
    }
    const problem = problemIn(text)
    if (problem === null)
      return new ApiFailure(status, `${named(call)} was answered ${status}: ${this.#notOurs()}`, [])
    const { title, detail, errors, requestId } = problem
    const words = [detail ?? title ?? `status ${status}`]
    if (status === 401) words.push('Give the right one with --token or TURNOUT_ADMIN_TOKEN.')
    if (status >= 500 && requestId !== undefined) words.push(`Its log has it under request ${requestId}.`)
    return new ApiFailure(status, `the control plane refuses (${status}): ${words.join(' ')}`, errors)
  }

  #notOurs(): string {
    return `what answers at ${this.#connection.url} may not be a Turnout control plane`
  }
}

const named = ({ method, path }: Call): string => `${method} ${path.replace(/\?.*$/, '')}`

/** `fetch` says only "fetch failed" and keeps the reason in `cause`. */
function unreachable(error: Error, url: string): string {
  if (error.name === 'TimeoutError') return `${url} did not answer within ${TIMEOUT_MS / 1000} s`
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return `nothing listens at ${url}; start Turnout with npm start, or give --url`
  return `${url} cannot be reached (${message || code})`
}

interface ProblemDetails {
  readonly title: string | undefined
  readonly detail: string | undefined
  readonly requestId: string | undefined
  readonly errors: readonly Finding[]
}

/** Problem details (RFC 9457) in a body, as far as they are what they should be; `null`: it is something else. */
function problemIn(text: string): ProblemDetails | null {
  let body: Record<string, unknown>
  try {
    body = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof body !== 'object' || body === null || typeof body.status !== 'number') return null
  const word = (name: string) => (typeof body[name] === 'string' ? body[name] : undefined)
  const errors = Array.isArray(body.errors) ? body.errors : []
  return {
    title: word('title'),
    detail: word('detail'),
    requestId: word('requestId'),
    errors: errors.map((issue) => ({ path: String(issue?.path), message: String(issue?.message) })),
  }
}
