/**
 * The admin API as commands call it: openapi-fetch over types from the control plane's own OpenAPI document. Every failure
 * is a sentence: what the control plane said (api-failure.ts), or why it said nothing.
 */
import createClient, { type Client } from 'openapi-fetch'
import type { components, paths } from '../admin/api/openapi-types.d.ts'
import { ApiFailure, isJson, named, notOurs, refusal, secondsToWait } from './api-failure.ts'
import { type Connection, isLoopback } from './connection.ts'
import { EXIT } from './exit.ts'
import { Failure } from './failure.ts'
import { count } from './words.ts'
import type { World } from './world.ts'

/** Calls throw `Failure` in place of answering with an error, or with an approval that is waited for. */
export type AdminApi = Client<paths>

type Approval = components['schemas']['Approval']

const TIMEOUT_MS = 30_000
/** A backup is restored, or a document copied to AWS flag by flag, before there is an answer. */
const LONG_TIMEOUT_MS = 5 * 60_000

/** The control plane took the change, which waits for others. Exit code 4. */
class ApprovalNeeded extends Failure {
  override readonly exitCode = EXIT.waiting
  override readonly result: object

  constructor(approval: Approval) {
    const { id, needed, raising } = approval
    super(
      `it waits for the approval of ${count(needed, 'other')}, as ${id}. They look at it with turnout approvals show ${id}`,
      raising.map((message) => ({ path: 'it raises exposure', message })),
    )
    this.result = { approval }
  }
}

/** `wait`: for a call that came too soon, before it is made again. */
export function connect(connection: Connection, { wait }: Pick<World, 'wait'>): AdminApi {
  return createClient<paths>({
    baseUrl: connection.url,
    headers: {
      authorization: `Bearer ${connection.token}`,
      accept: 'application/json',
    },
    // The token is for this address and no other.
    redirect: 'manual',
    fetch: (request) => exchange(request, connection, wait),
    pathSerializer: addressOf,
  })
}

export interface Answer<T> {
  readonly value: T
  readonly headers: Headers
}

/** What a call was answered with. */
export async function answerOf<T>(call: Promise<{ data?: T; response: Response }>): Promise<Answer<T>> {
  const { data, response } = await call
  return { value: data as T, headers: response.headers }
}

/** The answer's value alone. */
export const bodyOf = async <T>(call: Promise<{ data?: T; response: Response }>): Promise<T> =>
  (await answerOf(call)).value

/** The call, and what to do next if it is answered with that status. */
export async function withAdvice<T>(status: number, advice: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof ApiFailure) || error.status !== status) throw error
    throw new ApiFailure(status, `${error.message} ${advice}`, error.findings)
  }
}

/** What the control plane says in a header, such as an ETag for `If-Match`. */
export function headerOf({ headers }: Answer<unknown>, name: string): string {
  const text = headers.get(name)
  if (text === null)
    throw new Failure(`the control plane answered without ${name}: it is of another version, or none`)
  return text
}

/** A call that comes too soon is made so often. */
const ATTEMPTS = 5
/** Nobody is kept waiting for longer without a word. */
const MAX_WAIT_S = 10

async function exchange(request: Request, connection: Connection, wait: World['wait']): Promise<Response> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    const answered = await sent(request.clone(), connection)
    const seconds = answered.response.status === 429 ? secondsToWait(answered.response.headers) : null
    if (seconds === null || seconds > MAX_WAIT_S) return resultOf(request, connection, answered)
    await wait(seconds * 1_000)
  }
  return resultOf(request, connection, await sent(request, connection))
}

function resultOf(request: Request, connection: Connection, { response, text }: Sent): Response {
  if (!response.ok) throw refusal(request, response, text ?? '', connection)
  if (text === null) return response
  const { status, headers } = response
  if (status === 204) return new Response(null, { status, headers })
  if (!isJson(text)) throw new Failure(`${named(request)} was not answered with JSON: ${notOurs(connection)}`)
  if (status === 202 && headers.get('location')?.includes('/approvals/'))
    throw new ApprovalNeeded(JSON.parse(text))
  return new Response(text, { status, headers })
}

interface Sent {
  readonly response: Response
  /** `null` if lines were asked for: they may be many, and are the caller's to read. */
  readonly text: string | null
}

async function sent(request: Request, { url }: Connection): Promise<Sent> {
  const lines = request.headers.get('accept') !== 'application/json'
  try {
    const response = await fetch(request, lines ? {} : { signal: AbortSignal.timeout(timeoutOf(request)) })
    return { response, text: lines && response.ok ? null : await response.text() }
  } catch (error) {
    throw new Failure(`${named(request)} failed: ${silence(error as Error, request, url)}`, [], {
      cause: error,
    })
  }
}

const timeoutOf = (request: Request): number => (takesLong(request) ? LONG_TIMEOUT_MS : TIMEOUT_MS)

/** Done bit by bit, so that what was done is not done again. */
const takesLong = ({ method, url }: Request): boolean =>
  (method === 'PUT' && /\/backup(?:$|\?)/.test(url)) || /\/store\/copy$/.test(url)

/** Why there was no answer. `fetch` says only "fetch failed" and keeps the reason in `cause`. */
function silence(error: Error, request: Request, url: string): string {
  if (error.name === 'TimeoutError')
    return `${url} did not answer within ${timeoutOf(request) / 1000} s${doubtAfter(request)}`
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED')
    return `nothing listens at ${url}${isLoopback(url) ? '; start Turnout with npm start, or give --url' : ''}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `there is no host ${new URL(url).hostname}, or no network`
  return `${url} cannot be reached (${message || code})${doubtAfter(request)}`
}

/** A change that was sent and got no answer may have been carried out all the same. */
function doubtAfter(request: Request): string {
  const { method, url } = request
  const { pathname } = new URL(url)
  if (takesLong(request)) return '; the same command again does what is left'
  if (method === 'GET' || /\/(?:evaluate|validate|impact)$/.test(pathname)) return ''
  const look = /\/kills\//.test(pathname) ? 'turnout kills list' : 'turnout versions list'
  return `; whether it was carried out, ${look} shows`
}

/** A name of only dots would be taken as a way up the address, to something else. */
function addressOf(path: string, names: Readonly<Record<string, unknown>>): string {
  return path.replace(/\{(\w+)\}/g, (_, param: string) => {
    const name = String(names[param])
    if (/^\.{0,2}$/.test(name)) throw new Failure(`${JSON.stringify(name)} cannot be the name of anything`)
    return encodeURIComponent(name)
  })
}
