/**
 * `Idempotency-Key`: a POST that is sent again, because its answer did not arrive, is not carried out again but answered as
 * the first time. Without the header nothing happens here at all.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
import type { MiddlewareHandler } from 'hono'
import { ACCESS_HEADER } from '../access/cloudflare-access.ts'
import { bearerToken, hashOfSecret } from '../auth.ts'
import { KEY_GRAMMAR, parseKey } from '../idempotency/key.ts'
import { open, seal } from '../idempotency/seal.ts'
import { logWarn, messageOf } from '../log.ts'
import type { Begun } from '../objects/idempotency.ts'
import { callIdempotency } from '../stubs.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { Problem } from './problem.ts'
import { timeOf } from './time.ts'

export const KEY_HEADER = 'idempotency-key'

/** On answers that were given before. */
export const REPLAYED_HEADER = 'idempotent-replayed'

/** Headers that are part of an answer; all others belong to the one request, or to every answer. */
const ANSWER_HEADERS = ['content-type', 'location', 'etag', 'x-turnout-version', 'x-turnout-kills']

/** Headers that are part of what is asked for. */
const ASKING_HEADERS = ['x-turnout-reason', 'x-turnout-break-glass']

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Comes after the caller's role was checked and the body was read. */
export const idempotency: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const header = c.req.header(KEY_HEADER)
  if (header === undefined) return next()
  const key = parseKey(header)
  if (key === null) throw badKey()
  const fingerprint = await fingerprintOf(c)
  const requestId = c.get('requestId')
  const begun = await callIdempotency(c.env, c.get('principal').id, (stub) =>
    stub.begin(key, { requestId, fingerprint }),
  )
  if (begun.verdict === 'replay') return replay(c, begun.answer, fingerprint)
  if (begun.verdict !== 'begin') throw refusal(begun)
  const work = next().then(() => conclude(c, key, fingerprint))
  // The answer is kept even if nobody waits for it any more.
  c.executionCtx.waitUntil(work)
  await work
}

/** Keeps the answer, or frees the key. A failure of that costs the caller nothing now: the key stays closed for a while. */
async function conclude(c: ApiContext, key: string, fingerprint: string): Promise<void> {
  const requestId = c.get('requestId')
  // The key stays closed for a while: free, it would let the same be done twice.
  if (c.get('interrupted')) return
  try {
    const sealed = isKept(c.res) ? await seal(await textOf(c.res), credentialOf(c), fingerprint) : null
    await callIdempotency(c.env, c.get('principal').id, (stub) =>
      sealed === null ? stub.release(key, requestId) : stub.keep(key, requestId, sealed),
    )
  } catch (error) {
    logWarn('answer-not-kept', { requestId, path: c.req.path, cause: messageOf(error) })
  }
}

/** Not what says "try again", and not our own faults. */
const isKept = ({ status, headers }: Response): boolean => status < 500 && !headers.has('retry-after')

async function textOf(response: Response): Promise<string> {
  const headers = ANSWER_HEADERS.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  const body = await response.clone().text()
  const answer: Answer = { status: response.status, headers: Object.fromEntries(headers), body }
  return JSON.stringify(answer)
}

async function replay(c: ApiContext, sealed: Uint8Array, fingerprint: string): Promise<Response> {
  const text = await open(sealed, credentialOf(c), fingerprint)
  if (text === null)
    throw new Problem(
      'answer-lost',
      'This request was carried out, but its answer is sealed for the credential that was shown then; look at what there is now.',
      [{ path: KEY_HEADER, message: 'belongs to a request of another credential' }],
    )
  const { status, headers, body } = JSON.parse(text) as Answer
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  c.header(REPLAYED_HEADER, 'true')
  return status === 204 ? c.body(null, 204) : c.body(body, status as 200)
}

/** What the caller showed, which nobody else has: what principalOf() looks at first. */
const credentialOf = (c: ApiContext): string =>
  bearerToken(c.req.header('authorization')) ?? c.req.header(ACCESS_HEADER) ?? ''

/** SHA-256 over everything that a request asks for. The body was kept by the middleware that read it, if it takes one. */
async function fingerprintOf(c: ApiContext): Promise<string> {
  const body = (await c.req.bodyCache.text) ?? ''
  const headers = ASKING_HEADERS.map((name) => c.req.header(name) ?? null)
  const { pathname, search } = new URL(c.req.url)
  return hashOfSecret(JSON.stringify([c.req.method, pathname, search, headers, body]))
}

const badKey = (): Problem =>
  new Problem('malformed', `"Idempotency-Key" ${KEY_GRAMMAR}.`, [{ path: KEY_HEADER, message: KEY_GRAMMAR }])

function refusal(begun: Exclude<Begun, { verdict: 'begin' | 'replay' }>): Problem {
  switch (begun.verdict) {
    case 'in-flight':
      return new Problem(
        'in-flight',
        'The first request with this key is still being carried out.',
        [{ path: KEY_HEADER, message: 'belongs to a request that is still being carried out' }],
        { 'retry-after': '1' },
      )
    case 'answer-lost': {
      const free = timeOf(begun.freeAtMs)
      const seconds = Math.max(1, Math.ceil((begun.freeAtMs - Date.now()) / 1000))
      return new Problem(
        'answer-lost',
        `The first request with this key, ${begun.requestId}, was never answered; the audit log says whether it was carried out. The key can be used again from ${free}.`,
        [
          {
            path: KEY_HEADER,
            message: `belongs to a request that was never answered; free again from ${free}`,
          },
        ],
        { 'retry-after': String(seconds) },
      )
    }
    case 'key-reused': {
      const message = 'belongs to another request; use a new key for each'
      return new Problem('key-reused', `"Idempotency-Key" ${message}.`, [{ path: KEY_HEADER, message }])
    }
  }
}
