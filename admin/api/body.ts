/**
 * Request bodies: JSON only, never more than MAX_BODY_BYTES in memory, and a malformed one is answered with line and
 * column. `textBody` leaves the parsing to the object that needs the value; `jsonBody` is for bodies that a schema checks.
 */
import type { MiddlewareHandler } from 'hono'
import { MAX_BODY_BYTES } from '../env.ts'
import { parseJson } from '../json.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { notJson, Problem, tooLarge } from './problem.ts'
import { settle } from './settle.ts'

const MEDIA_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

export const textBody: MiddlewareHandler<ApiEnv> = async (c, next) => {
  keep(c, await readText(c))
  await next()
}

export const jsonBody: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const text = await readText(c)
  const value = parseJson(text)
  if (!value.ok) settle({ ok: false, error: { reason: 'malformed', ...value.error } })
  keep(c, text)
  await next()
}

/** None at all is an empty object: one of which nothing is required, or whose schema then says what is. */
export const optionalJsonBody: MiddlewareHandler<ApiEnv> = async (c, next) => {
  if (c.req.raw.body !== null && c.req.header('content-length') !== '0') return jsonBody(c, next)
  keep(c, '{}')
  await next()
}

/** Where `c.req.text()` and the validators find it; hono's cache holds promises, its type says otherwise. */
function keep(c: ApiContext, text: string): void {
  c.req.bodyCache.text = Promise.resolve(text) as unknown as string
}

async function readText(c: ApiContext): Promise<string> {
  if (!MEDIA_TYPE.test(c.req.header('content-type') ?? '')) throw notJson()
  if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  const declared = c.req.header('content-length') !== undefined
  const bytes = declared ? await declaredBytes(c.req.raw) : await readBytes(c.req.raw.body)
  try {
    return UTF8.decode(bytes)
  } catch {
    throw unreadable('The body is not UTF-8.', 'must be UTF-8')
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** A body whose length was declared, and checked: the platform reads no more of it than that, and in one piece. */
async function declaredBytes(request: Request): Promise<ArrayBuffer> {
  try {
    return await request.arrayBuffer()
  } catch {
    throw brokenOff()
  }
}

/** Counts while it reads: a length that was not declared is not believed either. */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  maxBytes = MAX_BODY_BYTES,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of whole(body)) {
    length += part.byteLength
    if (length > maxBytes) throw tooLarge(maxBytes)
    parts.push(part)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.byteLength
  }
  return bytes
}

/** The parts of a body. One that breaks off is no fault of ours. */
export async function* whole(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  try {
    yield* body ?? []
  } catch {
    throw brokenOff()
  }
}

const brokenOff = (): Problem =>
  unreadable('The body broke off before its end, or is not what its headers say.', 'must be sent whole')

const unreadable = (detail: string, message: string): Problem =>
  new Problem('malformed', detail, [{ path: '$', message }])
