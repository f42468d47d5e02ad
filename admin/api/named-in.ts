/** Where a request names a thing: `path.key` in its address, `query.flag`, or `$.flag` in its body. */
import { isObject } from '../../engine/index.ts'
import type { ApiContext } from './context.ts'

/** Noun → the fields that may name such a thing, those first that name nothing else. What is not here is named by `id`. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  environment: ['env', 'environment', 'environments', 'other', 'to', 'id'],
  flag: ['key', 'flag', 'target'],
  segment: ['key'],
  route: ['key', 'route', 'target', 'origin'],
  tag: ['target', 'tag'],
  origin: ['origin', 'target'],
  kill: ['target', 'origin'],
  version: ['n', 'a', 'b', 'version'],
  'version of the kill list': ['kill'],
  label: ['label'],
  review: ['seq'],
  delivery: ['delivery'],
}

/** The path of the field, as in a problem's `errors`; `null`: the request does not name it. */
export async function placeOf(c: ApiContext, what: string, name: string): Promise<string | null> {
  const fields = FIELDS[what] ?? ['id']
  const inPath = fields.find((field) => names(c.req.param(field), name))
  if (inPath !== undefined) return `path.${inPath}`
  const inQuery = fields.find((field) => names(c.req.query(field), name))
  if (inQuery !== undefined) return `query.${inQuery}`
  const body = await bodyOf(c)
  const inBody = fields.find((field) => Object.hasOwn(body, field) && names(body[field], name))
  return inBody === undefined ? null : `$.${inBody}`
}

/** Whether a value is the name, alone or as a part: of `flag:KEY`, `origin:ROUTE/VARIANT` or `ENVIRONMENT:NUMBER`. */
function names(value: unknown, name: string): boolean {
  if (Array.isArray(value)) return value.includes(name)
  if (typeof value !== 'string' && typeof value !== 'number') return false
  const text = String(value)
  const kindless = text.slice(text.indexOf(':') + 1)
  return [text, kindless].includes(name) || kindless.startsWith(`${name}/`) || text.startsWith(`${name}:`)
}

/** The fields of a JSON body that was read; none if there is no such body. */
async function bodyOf(c: ApiContext): Promise<Readonly<Record<string, unknown>>> {
  try {
    const body: unknown = JSON.parse((await c.req.bodyCache.text) ?? '{}')
    return isObject(body) ? body : {}
  } catch {
    return {}
  }
}
