/** Answers to calls of the admin API, as a test says them, over HTTP. What it does not say is answered 404. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type Intervention, problem, TOKEN } from './fake-admin.ts'

export interface Call {
  /** `GET /environments/dev/flags?limit=1000`, below /api/v1 and decoded. */
  readonly line: string
  readonly headers: IncomingHttpHeaders
  /** JSON, if there is a body; lines as they are. */
  readonly body: unknown
}

/** A body for 200, or an answer with everything. */
type Answer = object | Intervention
/** By method and path, without the query: `GET /whoami`. */
export type Answers = Readonly<Record<string, Answer | ((call: Call) => Answer)>>

export interface FakeApi {
  readonly url: string
  readonly calls: readonly Call[]
  /** Lines of the calls that are not GET. */
  writes(): string[]
  /** Environment variables with which commands find it. */
  readonly env: Readonly<Record<string, string>>
}

/** What `prod` says of itself where nothing protects it. */
export const UNPROTECTED = { 'GET /environments/prod': { approvals: 0, tier: null } }

export async function startApi(answers: Answers): Promise<FakeApi> {
  const calls: Call[] = []
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const text = Buffer.concat(parts).toString()
    const line = `${request.method} ${decodeURIComponent((request.url ?? '').replace('/api/v1', ''))}`
    const call = { line, headers: request.headers, body: bodyOf(request.headers, text) }
    calls.push(call)
    const { status, headers, body } = answerTo(call)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  })
  const answerTo = (call: Call): Intervention => {
    if (call.headers.authorization !== `Bearer ${TOKEN}`) return problem(401, 'There is no such token.')
    const path = call.line.replace(/\?.*$/, '')
    const answer = Object.hasOwn(answers, path) ? answers[path]! : problem(404, 'There is no such thing.')
    const given = typeof answer === 'function' ? answer(call) : answer
    return 'status' in given && 'body' in given
      ? (given as Intervention)
      : { status: 200, body: JSON.stringify(given) }
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    calls,
    writes: () => calls.map(({ line }) => line).filter((line) => !line.startsWith('GET ')),
    env: { TURNOUT_URL: url, TURNOUT_ADMIN_TOKEN: TOKEN, TURNOUT_ENV: 'prod' },
  }
}

const bodyOf = ({ 'content-type': type }: IncomingHttpHeaders, text: string): unknown =>
  type === 'application/x-ndjson' ? text : text === '' ? null : JSON.parse(text)

/** An answer with headers, or another status. */
export const says = (
  body: object | null,
  headers: Record<string, string> = {},
  status = 200,
): Intervention => ({
  status: body === null ? 204 : status,
  headers,
  body: body === null ? '' : JSON.stringify(body),
})
