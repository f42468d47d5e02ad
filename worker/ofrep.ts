/**
 * OpenFeature's Remote Evaluation Protocol 0.3: what an evaluation is on the wire. Every status has a JSON body, every
 * success has key, value, variant, reason and metadata. Source: docs/ofrep.md.
 */
import {
  type Decision,
  type EvaluationContext,
  evaluate,
  evaluateAll,
  isObject,
  murmur3,
  type Prepared,
  stateOf,
} from '../engine/index.ts'
import type { Caller } from './access.ts'
import { jsonIssue, readText } from './body.ts'
import { clientContext } from './context.ts'
import { matchesTag } from './etag.ts'
import type { RequestFacts } from './request-facts.ts'

export type OfrepError =
  | 'PARSE_ERROR'
  | 'INVALID_CONTEXT'
  | 'FLAG_NOT_FOUND'
  | 'TARGETING_KEY_MISSING'
  | 'GENERAL'

const MAX_BODY_BYTES = 1_048_576

export function failure(
  status: number,
  errorCode: OfrepError,
  errorDetails: string,
  key?: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json(
    { ...(key !== undefined && { key }), errorCode, errorDetails },
    { status, headers: { 'cache-control': 'no-store', ...headers } },
  )
}

/** The caller's context, `{}` where none is given; a Response where the body is not one. */
export async function readContext(
  request: Request,
  caller: Caller,
  facts: RequestFacts,
  key?: string,
): Promise<EvaluationContext | Response> {
  const text = await readText(request, MAX_BODY_BYTES)
  if (text === null) return failure(413, 'GENERAL', `the body must be at most ${MAX_BODY_BYTES} bytes`, key)
  let body: unknown
  try {
    body = text.trim() === '' ? {} : JSON.parse(text)
  } catch {
    const { path, message } = jsonIssue(text)
    return failure(400, 'PARSE_ERROR', `the body must be JSON: ${path}: ${message}`, key)
  }
  if (!isObject(body))
    return failure(400, 'INVALID_CONTEXT', 'the body must be an object with a "context"', key)
  const context = body.context ?? {}
  if (!isObject(context)) return failure(400, 'INVALID_CONTEXT', '"context" must be an object', key)
  return caller === 'client' ? clientContext(context, facts) : context
}

export function evaluateOne(
  prepared: Prepared,
  caller: Caller,
  key: string,
  context: EvaluationContext,
): Response {
  const flag = prepared.flag(key)
  if (flag === undefined || (caller === 'client' && !flag.packed.client)) {
    return failure(404, 'FLAG_NOT_FOUND', `there is no flag ${JSON.stringify(key)}`, key)
  }
  const decision = evaluate(prepared, key, context)
  const { errorCode } = decision
  if (errorCode === 'TARGETING_KEY_MISSING') return failure(400, errorCode, detailsOf(errorCode), key)
  if (errorCode !== null) return failure(500, 'GENERAL', detailsOf(errorCode), key)
  return new Response(written(prepared, decision).text, {
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}

export interface Asked {
  /** Keys of the flags that are asked for, with commas between; `null`: all. */
  readonly keys: string | null
  readonly ifNoneMatch: string | null
  readonly streamUrl: string
  /** In which window the URL holds good, where it does not for ever: then the next window's answer is another. */
  readonly streamWindow: number | null
}

/** After how long out of sight a client should stop to listen, s. */
const INACTIVITY_DELAY_SECONDS = 120

/** Every flag the caller may see, or those it names. */
export function evaluateBulk(
  prepared: Prepared,
  caller: Caller,
  context: EvaluationContext,
  { keys, ifNoneMatch, streamUrl, streamWindow }: Asked,
): Response {
  const answers = bulk(prepared, caller, context, keys)
  const etag = streamWindow === null ? answers.etag : `${answers.etag.slice(0, -1)}-${streamWindow}"`
  const headers = { etag, 'content-type': 'application/json', 'cache-control': 'no-cache' }
  if (matchesTag(ifNoneMatch, etag))
    return new Response(null, { status: 304, headers: { etag, 'cache-control': 'no-cache' } })
  return new Response(
    `{"flags":[${answers.flags}],"eventStreams":[{"type":"sse","url":${JSON.stringify(streamUrl)},"inactivityDelaySec":${INACTIVITY_DELAY_SECONDS}}],"metadata":${answers.metadata}}`,
    { headers },
  )
}

/** Parts of a bulk answer, as JSON. */
export interface Bulk {
  /** Evaluations, with commas between. */
  readonly flags: string
  /** Covers the evaluated result: another context is another answer. */
  readonly etag: string
  readonly metadata: string
}

/** `keys`: as in `Asked`. */
export function bulk(
  prepared: Prepared,
  caller: Caller,
  context: EvaluationContext,
  keys: string | null = null,
): Bulk {
  const all = evaluateAll(prepared, context, caller === 'client' ? 'client' : 'all')
  const wanted = keys === null ? null : new Set(keys.split(','))
  const decisions = wanted === null ? all : all.filter(({ flag }) => wanted.has(flag))
  let flags = ''
  let high = 0
  let low = decisions.length
  for (const decision of decisions) {
    const one = written(prepared, decision)
    flags += flags === '' ? one.text : `,${one.text}`
    high = (Math.imul(high, 31) + one.hash) | 0
    low = (Math.imul(low, 0x01000193) ^ one.hash) | 0
  }
  return {
    flags,
    etag: `"${hex(high)}${hex(low)}"`,
    metadata: `{"version":${prepared.snapshot.version},"state":"${stateOf(prepared)}"}`,
  }
}

const hex = (hash: number): string => (hash >>> 0).toString(16).padStart(8, '0')

interface Written {
  readonly text: string
  readonly hash: number
}

/** A decision's text is made once: the engine answers with the same object as long as the answer is the same. */
const texts = new WeakMap<Decision, Written>()

function written(prepared: Prepared, decision: Decision): Written {
  const known = texts.get(decision)
  if (known) return known
  const text = decision.errorCode === null ? success(prepared, decision) : bulkFailure(decision)
  const result = { text, hash: murmur3(text, 0) }
  texts.set(decision, result)
  return result
}

function success(prepared: Prepared, { flag, value, variant, reason, metadata }: Decision): string {
  const json = JSON.stringify(value)
  // JSON has one number type, clients do not: a flag with fractional variants is a float in each of them.
  const float = prepared.flag(flag)?.packed.float === true && /^-?\d+$/.test(json)
  return `{"key":${JSON.stringify(flag)},"value":${float ? `${json}.0` : json},"variant":${JSON.stringify(variant)},"reason":"${reason}","metadata":${JSON.stringify(metadata)}}`
}

const bulkFailure = ({ flag, errorCode }: Decision): string =>
  JSON.stringify({ key: flag, errorCode, errorDetails: detailsOf(errorCode) })

const detailsOf = (errorCode: Decision['errorCode']): string =>
  errorCode === 'TARGETING_KEY_MISSING'
    ? 'the flag is decided by a bucket key that the context does not have'
    : 'the flag cannot be evaluated'
