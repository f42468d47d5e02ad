/**
 * Flags in the request itself: the edge has decided already, and says so in `x-turnout-context`, signed. Answers without the
 * network and without a second evaluation, so an application and its routing never disagree. Never throws: what cannot be
 * verified makes a client that answers defaults and says why.
 */
import type { SignedAnswer, SignedContext } from '../engine/signed-context.ts'
import type { Check, Client, ClientEvents, Context, Details, ErrorCode, Value } from './client.ts'

/** Keys of this origin; two while one is changed. */
export type OriginKeys = string | readonly string[]

export interface RequestOptions {
  /** This origin's host, as the edge's document names it. Default: whatever host the key is for. */
  readonly audience?: string
  /** How far this machine's clock may be from the edge's. Default 5. */
  readonly toleranceSeconds?: number
  /** Default: now. */
  readonly nowMs?: number
}

export interface RequestClient extends Client {
  /** Why there is no context to answer from; `undefined` where there is one. */
  readonly error: Error | undefined
  /** What the edge signed; `undefined` with an error. */
  readonly signed: SignedContext | undefined
}

/** Anything with headers: a `Request` of any platform. */
export interface WithHeaders {
  readonly headers: { get(name: string): string | null }
}

export const HEADER = 'x-turnout-context'

export async function fromRequest(
  request: WithHeaders,
  keys: OriginKeys,
  options: RequestOptions = {},
): Promise<RequestClient> {
  try {
    const token = request.headers.get(HEADER)
    if (token === null)
      throw new Error(
        `the request has no ${HEADER}: it did not come through the edge, or its origin has no "context": true`,
      )
    return clientOf(await verified(token, typeof keys === 'string' ? [keys] : keys, options), undefined)
  } catch (cause) {
    return clientOf(undefined, cause as Error)
  }
}

const encoder = new TextEncoder()

/** The claims of a token. Throws what is wrong with it. */
async function verified(
  token: string,
  keys: readonly string[],
  options: RequestOptions,
): Promise<SignedContext> {
  const { audience, toleranceSeconds = 5, nowMs = Date.now() } = options
  const [header = '', payload = '', signature = '', ...rest] = token.split('.')
  if (rest.length > 0 || signature === '') throw new Error(`${HEADER} is no compact JWS`)
  const { alg, kid } = json(header) as { alg?: unknown; kid?: unknown }
  if (alg !== 'HS256') throw new Error(`${HEADER} is signed with ${JSON.stringify(alg)}, not HS256`)
  const signed = encoder.encode(`${header}.${payload}`)
  if (!(await isSigned(signed, bytes(signature), keys)))
    throw new Error(`${HEADER} was not signed with a key of this origin (kid ${JSON.stringify(kid)})`)
  const claims = json(payload) as SignedContext
  const nowSeconds = nowMs / 1_000
  if (audience !== undefined && claims.aud !== audience)
    throw new Error(`${HEADER} is for ${claims.aud}, not for ${audience}`)
  if (nowSeconds >= claims.exp + toleranceSeconds)
    throw new Error(`${HEADER} expired ${Math.round(nowSeconds - claims.exp)} s ago, by this machine's clock`)
  if (nowSeconds < claims.iat - toleranceSeconds)
    throw new Error(
      `${HEADER} is from ${Math.round(claims.iat - nowSeconds)} s ahead of this machine's clock`,
    )
  return claims
}

/** Imported keys, so that each is imported once; those that are given, so there are few. */
const imported = new Map<string, CryptoKey>()

async function isSigned(
  signed: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  keys: readonly string[],
) {
  for (const text of keys) {
    let key = imported.get(text)
    if (key === undefined) {
      if (text === '') throw new Error('the key of this origin is empty')
      key = await crypto.subtle.importKey(
        'raw',
        encoder.encode(text),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['verify'],
      )
      imported.set(text, key)
    }
    if (await crypto.subtle.verify('HMAC', key, signature, signed)) return true
  }
  return false
}

const bytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))

const json = (text: string): unknown => JSON.parse(new TextDecoder().decode(bytes(text))) ?? {}

function clientOf(signed: SignedContext | undefined, error: Error | undefined): RequestClient {
  const listeners = new Set<(check: Check) => void>()
  const flags = new Map(Object.entries(signed?.flags ?? {}))

  function details<T extends Value>(key: string, defaultValue: T, given?: Context): Details<T> {
    const answer = flags.get(key)
    const errorCode = errorOf(answer, defaultValue, given)
    const result: Details<T> =
      errorCode === null ? found<T>(key, answer!) : { key, value: defaultValue, reason: 'ERROR', errorCode }
    for (const listener of listeners)
      queueMicrotask(() => listener({ ...result, ...(signed?.sub && { targetingKey: signed.sub }) }))
    return result
  }

  function errorOf(
    answer: SignedAnswer | undefined,
    defaultValue: Value,
    given: Context | undefined,
  ): ErrorCode | null {
    if (signed === undefined) return 'PROVIDER_NOT_READY'
    if (given?.targetingKey !== undefined && given.targetingKey !== signed.sub) return 'INVALID_CONTEXT'
    // It may exist: there was no room for it.
    if (answer === undefined) return signed.partial ? 'PROVIDER_NOT_READY' : 'FLAG_NOT_FOUND'
    if (answer.length === 1) return answer[0] as ErrorCode
    return typeOf(answer[0]) === typeOf(defaultValue) ? null : 'TYPE_MISMATCH'
  }

  const value = <T extends Value>(key: string, defaultValue: T, given?: Context): T =>
    details(key, defaultValue, given).value

  return {
    error,
    signed,
    ready: Promise.resolve(),
    boolean: value,
    string: value,
    number: value,
    object: value,
    booleanDetails: details,
    stringDetails: details,
    numberDetails: details,
    objectDetails: details,
    on<E extends keyof ClientEvents>(event: E, listener: (payload: ClientEvents[E]) => void) {
      // A request's answers never change: checks are all there is to hear of.
      if (event === 'check') listeners.add(listener as (check: Check) => void)
      return () => void listeners.delete(listener as (check: Check) => void)
    },
    close: () => listeners.clear(),
  }
}

function found<T extends Value>(key: string, answer: SignedAnswer): Details<T> {
  const [value, variant, reason, metadata = {}] = answer as Extract<SignedAnswer, { length: 3 | 4 }>
  return { key, value: value as T, variant, reason, metadata }
}

/** `[object Array]` and the like: lists and `null` are no objects. */
const typeOf = (value: unknown): string => ({}).toString.call(value)
