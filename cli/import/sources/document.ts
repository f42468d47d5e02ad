/** The flags of a document, as files and AppConfig hold it: `{ "flags": … }` or a bare map of flags. Pure. */
import { isObject } from '../../../engine/check.ts'
import { readDocument } from '../../../engine/index.ts'
import { Failure, type Finding } from '../../failure.ts'
import { parseJson } from '../../json.ts'
import type { Reading } from './source.ts'

const PARTS = ['flags', 'segments', 'routes']

/** Throws `Failure` if the bytes are not UTF-8 JSON of an object. `origin` as in `Reading`. */
export function readFlags(bytes: Uint8Array, origin: string): Reading {
  const value = parsedDocument(bytes, origin)
  if (!isObject(value))
    throw new Failure(`${origin} must be a JSON object: a document with "flags", or a map of flags`)
  const document = readDocument(value)
  const { flags = {}, segments = {}, routes = [] } = document
  if (!isObject(flags)) throw new Failure(`${origin}: "flags" must be an object of flags by key`)
  const findings: Finding[] = Object.keys(document)
    .filter((part) => !PARTS.includes(part))
    .map((part) => ({ path: `$.${part}`, message: `unknown field; a document has ${PARTS.join(', ')}` }))
  return {
    origin,
    entries: Object.entries(flags).map(([key, value]) => ({ key, value })),
    findings,
    notes: leftOut({ segments, routes }),
  }
}

/** Throws `Failure` if the bytes are not UTF-8 JSON. */
export function parsedDocument(bytes: Uint8Array, origin: string): unknown {
  const parsed = parseJson(decode(bytes, origin))
  if (parsed.ok) return parsed.value
  throw new Failure(`${origin} ${parsed.error}`)
}

function decode(bytes: Uint8Array, origin: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new Failure(`${origin} is not UTF-8 text`, [], { cause: error })
  }
}

function leftOut(parts: { segments: unknown; routes: unknown }): string[] {
  return Object.entries(parts).flatMap(([name, part]) => {
    const count = Object.keys(part as object).length
    return count === 0 ? [] : [`its ${name} (${count}) are left out: import brings flags only`]
  })
}
