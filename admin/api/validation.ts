/** What zod finds wrong with a request, as problem details. */
import { type Hook, z } from '@hono/zod-openapi'
import { show, showPath } from '../../engine/check.ts'
import type { CompileIssue } from '../../engine/index.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { countOf, Problem } from './problem.ts'
import { messageOf } from './zod-messages.ts'

z.config({ customError: messageOf })

interface ZodIssue {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
  /** Of a union: what each of its branches finds wrong. */
  readonly errors?: readonly (readonly ZodIssue[])[]
}

/** Answers 422 with every issue: body fields by JSONPath, query parameters as `query.NAME`. */
export const refuseInvalid: Hook<unknown, ApiEnv, string, unknown> = (result, c) => {
  if (result.success) return
  const errors = (result.error.issues as readonly ZodIssue[])
    .flatMap(unfolded)
    .flatMap((issue) => issuesOf(c, result.target, issue))
  const what = result.target === 'json' ? 'body' : 'query'
  throw new Problem('invalid', `The ${what} has ${countOf(errors)}; nothing was changed.`, errors)
}

/** Where a value is of the kind of one branch of a union, and what it holds is wrong, that is what counts. */
function unfolded(issue: ZodIssue): ZodIssue[] {
  const near = issue.errors?.filter((branch) =>
    branch.every(({ path, code }) => path.length > 0 || !KIND.has(code)),
  )
  if (near?.length !== 1) return [issue]
  return near[0]!.flatMap((inner) => unfolded({ ...inner, path: [...issue.path, ...inner.path] }))
}

/** Codes that say: this is no such thing at all. */
const KIND = new Set(['invalid_type', 'invalid_value', 'invalid_union'])

function issuesOf(c: ApiContext, target: string, { code, path, message, keys }: ZodIssue): CompileIssue[] {
  if (code === 'unrecognized_keys')
    return (keys ?? []).map((key) => ({
      path: shown(target, [...path, key]),
      message: `unknown field "${key}"; ${message}`,
    }))
  return [{ path: shown(target, path), message: target === 'json' ? message : asSent(c, path, message) }]
}

/** A parameter that was to become a number is shown as it was sent. */
function asSent(c: ApiContext, [name]: readonly PropertyKey[], message: string): string {
  const text = name === undefined ? undefined : c.req.query(String(name))
  return text === undefined ? message : message.replace(/got NaN$/, () => `got ${show(text)}`)
}

function shown(target: string, path: readonly PropertyKey[]): string {
  if (target !== 'json') return ['query', ...path].join('.')
  let at: Parameters<typeof showPath>[0] = null
  for (const key of path) at = { parent: at, key: typeof key === 'symbol' ? String(key) : key }
  return showPath(at)
}
