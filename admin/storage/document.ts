/** The authored document in terms of stored entities, both ways. */
import type { Route } from '../../engine/index.ts'
import type { Document, EntityKind } from '../document.ts'
import { type Change, entitiesAt } from './entities.ts'

/** The only key of the entity that holds the routes' order, a JSON array of their ids. */
const ORDER_KEY = 'routes'

/** The document as it was at a version. Throws if a stored text is not JSON or an ordered route is missing. */
export function loadDocument(sql: SqlStorage, version: number): Document {
  const routes = new Map(load(sql, 'route', version))
  const [order] = entitiesAt(sql, 'route-order', version)
  const ids: string[] = order === undefined ? [] : JSON.parse(order.text)
  return {
    flags: Object.fromEntries(load(sql, 'flag', version)) as Document['flags'],
    segments: Object.fromEntries(load(sql, 'segment', version)) as Document['segments'],
    routes: ids.map((id) => {
      const route = routes.get(id)
      if (route === undefined)
        throw new Error(`[storage/document] route "${id}" of version ${version} is missing`)
      return route as Route
    }),
  }
}

function load(sql: SqlStorage, kind: EntityKind, version: number): [string, unknown][] {
  return entitiesAt(sql, kind, version).map(({ key, text }) => {
    try {
      return [key, JSON.parse(text)]
    } catch (cause) {
      throw new Error(`[storage/document] stored ${kind} "${key}" of version ${version} is not JSON`, {
        cause,
      })
    }
  })
}

/** The entities that differ between two documents, by reference: an edit shares what it does not touch. */
export function changesBetween(before: Document, after: Document): Change[] {
  return [
    ...changesOfMap('flag', entries(before.flags), entries(after.flags)),
    ...changesOfMap('segment', entries(before.segments), entries(after.segments)),
    ...changesOfMap('route', byId(before.routes), byId(after.routes)),
    ...changesOfOrder(orderText(before.routes), orderText(after.routes)),
  ]
}

function* changesOfMap(
  kind: EntityKind,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Generator<Change> {
  for (const [key, value] of after)
    if (before.get(key) !== value) yield { kind, key, text: JSON.stringify(value) }
  for (const key of before.keys()) if (!after.has(key)) yield { kind, key, text: null }
}

const changesOfOrder = (before: string | null, after: string | null): Change[] =>
  before === after ? [] : [{ kind: 'route-order', key: ORDER_KEY, text: after }]

const orderText = (routes: readonly Route[]): string | null =>
  routes.length === 0 ? null : JSON.stringify(routes.map((route) => route.id))

const entries = (map: object): Map<string, unknown> => new Map(Object.entries(map))
const byId = (routes: readonly Route[]): Map<string, unknown> =>
  new Map(routes.map((route) => [route.id, route]))
