/** What zod finds wrong with a request, as problem details. */
import type { Hook } from '@hono/zod-openapi'
import { showPath } from '../../engine/check.ts'
import type { CompileIssue } from '../../engine/index.ts'
import type { ApiEnv } from './context.ts'
import { countOf, Problem } from './problem.ts'

interface ZodIssue {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
}

/** Answers 422 with every issue: body fields by JSONPath, query parameters as `query.NAME`. */
export const refuseInvalid: Hook<unknown, ApiEnv, string, unknown> = (result) => {
  if (result.success) return
  const errors = (result.error.issues as readonly ZodIssue[]).flatMap((issue) =>
    issuesOf(result.target, issue),
  )
  const what = result.target === 'json' ? 'body' : 'query'
  throw new Problem('invalid', `The ${what} has ${countOf(errors)}; nothing was changed.`, errors)
}

function issuesOf(target: string, { code, path, message, keys }: ZodIssue): CompileIssue[] {
  if (code === 'unrecognized_keys')
    return (keys ?? []).map((key) => ({
      path: show(target, [...path, key]),
      message: `unknown field "${key}"`,
    }))
  const missing = message.endsWith('received undefined')
  return [{ path: show(target, path), message: missing ? 'is required' : message }]
}

function show(target: string, path: readonly PropertyKey[]): string {
  if (target !== 'json') return ['query', ...path].join('.')
  let at: Parameters<typeof showPath>[0] = null
  for (const key of path) at = { parent: at, key: typeof key === 'symbol' ? String(key) : key }
  return showPath(at)
}
