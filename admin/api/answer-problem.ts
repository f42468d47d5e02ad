/** The response to whatever a handler throws: a problem, or a change that waits for others. Nothing internal leaves here. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type CompileIssue, shortened } from '../../engine/index.ts'
import { SettingError } from '../config/setting-error.ts'
import { logError, messageOf } from '../log.ts'
import type { StubError } from '../stubs.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { placeOf } from './named-in.ts'
import { INTERRUPTED, notJson, PROBLEMS, Problem, STORAGE_FULL, storageFailed, typeOf } from './problem.ts'
import { ApprovalNeeded } from './settle.ts'
import { shownApproval } from './shown.ts'

/** Unexpected errors are logged with the request's id and answered without their message. */
export async function answerProblem(thrown: unknown, c: Context<ApiEnv>): Promise<Response> {
  if (thrown instanceof ApprovalNeeded) return answerWaiting(c, thrown)
  const problem = asProblem(thrown, c)
  c.set('interrupted', problem.kind === 'interrupted')
  const [status, title] = PROBLEMS[problem.kind]
  for (const [name, value] of Object.entries(problem.headers)) c.header(name, value)
  c.header('content-type', 'application/problem+json')
  const body = {
    type: typeOf(problem.kind),
    title,
    status,
    detail: problem.message,
    errors: await errorsOf(problem, c),
    requestId: c.get('requestId'),
  }
  return c.body(JSON.stringify(body), status)
}

async function errorsOf({ errors }: Problem, c: ApiContext): Promise<readonly CompileIssue[]> {
  if (!('what' in errors)) return shortened(errors, errors.length, 'errors')
  const path = await placeOf(c, errors.what, errors.name)
  return path === null ? [] : [{ path, message: errors.message }]
}

function answerWaiting(c: Context<ApiEnv>, { environment, approval }: ApprovalNeeded): Response {
  c.header('location', `/api/v1/approvals/${environment}:${approval.n}`)
  c.header('content-type', 'application/json')
  return c.body(JSON.stringify(shownApproval(environment, approval)), 202)
}

function asProblem(thrown: unknown, c: Context<ApiEnv>): Problem {
  if (thrown instanceof Problem) return thrown
  if (thrown instanceof HTTPException && thrown.status === 415) return notJson()
  const fields = { requestId: c.get('requestId'), method: c.req.method, path: c.req.path }
  if ((thrown as StubError).overloaded) {
    logError('object-overloaded', fields)
    return new Problem('overloaded', 'Try again in a few seconds.', [], { 'retry-after': '5' })
  }
  if ((thrown as StubError).retryable) {
    logError('object-interrupted', { ...fields, cause: messageOf(thrown) })
    return new Problem('interrupted', INTERRUPTED)
  }
  if (thrown instanceof SettingError) {
    logError('setting-wrong', { cause: thrown.message })
    return new Problem('misconfigured', `${thrown.rule}.`)
  }
  const code = storageCodeIn(messageOf(thrown))
  if (code === 'SQLITE_FULL') {
    logError('storage-full', fields)
    return new Problem('storage-full', STORAGE_FULL)
  }
  if (code !== null) {
    logError('storage-failed', { ...fields, cause: messageOf(thrown) })
    return new Problem('storage-failed', storageFailed(code))
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? null) : null
  logError('request-failed', { ...fields, cause: messageOf(thrown), stack })
  return new Problem('internal', 'This is a fault of the control plane, noted under the request id.')
}

/** What of SQLite's result codes says that the disk or its files are to blame, and not us. Source: https://sqlite.org/rescode.html */
const storageCodeIn = (message: string): string | null =>
  /\bSQLITE_(?:FULL|CORRUPT|NOTADB|IOERR|READONLY|CANTOPEN)\b/.exec(message)?.[0] ?? null
