/** A document as the values of parameters, both ways. Pure. */
import { isObject, showPath } from '../../../engine/check.ts'
import type { CompileIssue, FlagDocument, Kill, Route } from '../../../engine/index.ts'
import type { EntityKind } from '../../document.ts'
import { parseJson } from '../../json.ts'
import { readKillCopies } from '../kill-copies.ts'
import { KILLS, nameOf, ORDER, roleOf } from './names.ts'

/** More flags, segments and routes than this do not belong into parameters: reading them takes minutes of everybody's calls. */
export const MAX_ENTITIES = 1_000

/** Largest value in bytes, by tier. */
export const MAX_BYTES = { standard: 4_096, advanced: 8_192 } as const

/** Values by name below the environment's path. */
export type Values = ReadonlyMap<string, string>

export function split({ flags, segments = {}, routes = [] }: FlagDocument): Map<string, string> {
  const values = new Map<string, string>()
  for (const [key, flag] of Object.entries(flags)) values.set(nameOf('flag', key), JSON.stringify(flag))
  for (const [key, segment] of Object.entries(segments))
    values.set(nameOf('segment', key), JSON.stringify(segment))
  for (const route of routes) values.set(nameOf('route', route.id), JSON.stringify(route))
  if (routes.length > 1) values.set(ORDER, JSON.stringify(routes.map(({ id }) => id)))
  return values
}

/** What keeps a document out of parameters; names the values. */
export function misfits(values: Values, maxBytes: number): CompileIssue[] {
  const issues: CompileIssue[] = []
  const entities = [...values.keys()].filter((name) => name !== ORDER).length
  if (entities > MAX_ENTITIES)
    issues.push({
      path: '$',
      message: `has ${entities} flags, segments and routes; SSM holds at most ${MAX_ENTITIES} for Turnout: use AppConfig`,
    })
  for (const [name, text] of values) {
    const bytes = new TextEncoder().encode(text).length
    if (bytes > maxBytes)
      issues.push({
        path: pathIn(name),
        message: `takes ${bytes} bytes as a parameter, which holds at most ${maxBytes}${advice(name, bytes, maxBytes)}`,
      })
  }
  return issues
}

function advice(name: string, bytes: number, maxBytes: number): string {
  if (bytes <= MAX_BYTES.advanced && maxBytes < MAX_BYTES.advanced)
    return '; SSM_TIER=intelligent allows 8192, which AWS charges for'
  return 'key' in roleOf(name) ? ': move its lists to segments, or use AppConfig' : ': use AppConfig'
}

export interface Joined {
  readonly document: FlagDocument
  readonly kills: readonly Kill[]
  readonly errors: readonly CompileIssue[]
  readonly warnings: readonly CompileIssue[]
}

/** The document in the values, as far as they can be read; errors say which cannot. */
export function join(values: Values): Joined {
  const found: Record<EntityKind, Map<string, unknown>> = {
    flag: new Map(),
    segment: new Map(),
    route: new Map(),
  }
  const errors: CompileIssue[] = []
  const warnings: CompileIssue[] = []
  let order: unknown = []
  let kills: unknown = []
  for (const [name, text] of values) {
    const role = roleOf(name)
    if (role.holds === 'manifest') continue
    if (role.holds === 'nothing of ours') {
      warnings.push({ path: '$', message: `does not know the parameter ${name}: it is ignored` })
      continue
    }
    const value = parseJson(text)
    if (!value.ok) {
      const { line, column, message } = value.error
      errors.push({
        path: pathIn(name),
        message: `is not JSON in ${name}, line ${line}, column ${column}: ${message}`,
      })
    } else if (role.holds === 'route-order') order = value.value
    else if (role.holds === 'kills') kills = value.value
    else if ('key' in role) found[role.holds].set(role.key, value.value)
  }
  return {
    document: {
      flags: Object.fromEntries(sorted(found.flag)) as FlagDocument['flags'],
      segments: Object.fromEntries(sorted(found.segment)) as NonNullable<FlagDocument['segments']>,
      routes: routesOf(found.route, order, errors),
    },
    kills: readKillCopies(kills, errors),
    errors,
    warnings,
  }
}

/** AWS gives parameters in no order. */
const sorted = (map: ReadonlyMap<string, unknown>): [string, unknown][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1))

/** Those that the order does not name come last, by id. */
function routesOf(found: ReadonlyMap<string, unknown>, order: unknown, errors: CompileIssue[]): Route[] {
  if (!Array.isArray(order) || order.some((id) => typeof id !== 'string')) {
    errors.push({ path: '$.routes', message: `must be an array of route ids in ${ORDER}` })
    return []
  }
  const rank = new Map(order.map((id: string, at) => [id, at]))
  return sorted(found)
    .sort(([a], [b]) => (rank.get(a) ?? order.length) - (rank.get(b) ?? order.length))
    .flatMap(([id, route]) => {
      if (isObject(route) && (route.id === undefined || route.id === id)) return [{ id, ...route } as Route]
      errors.push({
        path: pathIn(nameOf('route', id)),
        message: `must be a route whose id is ${JSON.stringify(id)}, as in its name, or left out`,
      })
      return []
    })
}

/** Where the value of a parameter stands in the document. */
function pathIn(name: string): string {
  const role = roleOf(name)
  if (name === KILLS) return '$.kills'
  if (!('key' in role)) return role.holds === 'route-order' ? '$.routes' : '$'
  const field = `${role.holds}s`
  return showPath({ parent: { parent: null, key: field }, key: role.key })
}
