/**
 * `POST /.turnout/events`: what applications tell of the flags they check. Sums per variant, checked field by field; of what
 * the snapshot does not know, or the key must not see, nothing is counted.
 */
import {
  COUNTED,
  type FlagCount,
  type FlagCounts,
  MAX_FLAG_COUNTS,
  PARTS,
  type Part,
  type Prepared,
} from '../engine/index.ts'
import type { Caller } from './access.ts'
import { jsonIssue, readText } from './body.ts'
import { problem } from './problem.ts'

const MAX_BODY_BYTES = 65_536
const MAX_NAME = 128
/** Of one report: more than an honest application counts between two of them. */
const MAX_COUNT = 1_000_000
const MAX_SUM = 1e15

interface Issue {
  readonly path: string
  readonly message: string
}

/** `counts`: where the isolate gathers them for its next batch. */
export async function events(
  request: Request,
  prepared: Prepared,
  caller: Caller,
  counts: FlagCounts,
): Promise<Response> {
  const text = await readText(request, MAX_BODY_BYTES)
  if (text === null)
    return refused(413, 'Content Too Large', `the body must be at most ${MAX_BODY_BYTES} bytes`)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    const issue = jsonIssue(text)
    return refused(400, 'Bad Request', `the body must be JSON: ${issue.path}: ${issue.message}`, [issue])
  }
  const issues = issuesOf(body)
  if (issues.length > 0) return refused(400, 'Bad Request', 'the report is not valid', issues)
  const rows = (body as { flags: FlagCount[] }).flags
  const known = rows.filter(({ flag, variant }) => isKnown(prepared, caller, flag, variant))
  const counted = known.filter((row) => counts.add(row)).length
  if (counted < known.length)
    return refused(429, 'Too Many Requests', 'the edge holds as many counts as it can', [], {
      'retry-after': '10',
    })
  const ignored = rows.filter((row) => !known.includes(row)).map(({ flag, variant }) => ({ flag, variant }))
  return Response.json({ counted, ignored }, { status: 202, headers: HEADERS })
}

const HEADERS = { 'cache-control': 'no-store' }

const refused = (
  status: number,
  title: string,
  detail: string,
  errors: readonly Issue[] = [],
  headers: Record<string, string> = {},
): Response => problem(status, title, detail, headers, errors)

/** Whether this caller can have been given this variant. */
function isKnown(prepared: Prepared, caller: Caller, key: string, variant: string): boolean {
  try {
    const flag = prepared.flag(key)
    return flag?.names.includes(variant) === true && (caller !== 'client' || flag.packed.client === true)
  } catch {
    // A flag whose text is damaged gives nobody a variant.
    return false
  }
}

/** Everything that is wrong with a report, each with its path. */
function issuesOf(body: unknown): Issue[] {
  const flags = (body as { flags?: unknown } | null)?.flags
  if (!Array.isArray(flags)) return [{ path: 'flags', message: 'must be a list' }]
  if (flags.length > MAX_FLAG_COUNTS)
    return [{ path: 'flags', message: `must have at most ${MAX_FLAG_COUNTS} entries, got ${flags.length}` }]
  return flags.flatMap((row, at) => rowIssues(row, `flags[${at}]`))
}

function rowIssues(row: unknown, path: string): Issue[] {
  if (typeof row !== 'object' || row === null) return [{ path, message: 'must be an object' }]
  const fields = row as Record<string, unknown>
  const issues: Issue[] = []
  for (const name of ['flag', 'variant']) {
    const value = fields[name]
    if (typeof value !== 'string' || value === '' || value.length > MAX_NAME)
      issues.push({ path: `${path}.${name}`, message: `must be a name of at most ${MAX_NAME} characters` })
  }
  if (fields.part !== undefined && !PARTS.includes(fields.part as Part))
    issues.push({ path: `${path}.part`, message: `must be one of ${PARTS.join(', ')}` })
  for (const name of COUNTED) {
    const message = Object.hasOwn(fields, name) ? numberIssue(name, fields[name]) : null
    if (message !== null) issues.push({ path: `${path}.${name}`, message })
  }
  return issues
}

function numberIssue(name: string, value: unknown): string | null {
  if (name !== 'sum' && name !== 'squares') {
    const good = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT
    return good ? null : `must be a whole number from 0 to ${MAX_COUNT}`
  }
  const least = name === 'squares' ? 0 : -MAX_SUM
  const good = typeof value === 'number' && value >= least && value <= MAX_SUM
  return good ? null : `must be a number from ${least} to ${MAX_SUM}`
}
