/** The authored document in terms of stored entities, both ways. */
import type { Route } from '../../engine/index.ts'
import type { Document, EntityKind } from '../document.ts'
import { type Change, entitiesAt } from './entities.ts'

/** What is stored is not what was written: a fault of the storage, or of whoever reached into it. Its message is a sentence. */
export class Unreadable extends Error {}

/** The only key of the entity that holds the routes' order, a JSON array of their ids. */
const ORDER_KEY = 'routes'

/** The document as it was at a version. Throws `Unreadable` if a stored text is not JSON or an ordered route is missing. */
export const loadDocument = (sql: SqlStorage, version: number): Document =>
  assembleDocument((kind) => entitiesAt(sql, kind, version), `version ${version}`)

/** A document from its entities by kind; `name` is for complaints. Throws as `loadDocument` does. */
export function assembleDocument(
  entitiesOf: (
    kind: EntityKind | 'route-order',
  ) => readonly { readonly key: string; readonly text: string }[],
  name: string,
): Document {
  const load = (kind: EntityKind) => parsed(kind, entitiesOf(kind), name)
  const routes = new Map(load('route'))
  const [order] = entitiesOf('route-order')
  const ids: string[] = order === undefined ? [] : JSON.parse(order.text)
  return {
    flags: Object.fromEntries(load('flag')) as Document['flags'],
    segments: Object.fromEntries(load('segment')) as Document['segments'],
    routes: ids.map((id) => {
      const route = routes.get(id)
      if (route === undefined) throw new Unreadable(`route "${id}" of ${name} is missing`)
      return route as Route
    }),
  }
}

function parsed(
  kind: EntityKind,
  entities: readonly { readonly key: string; readonly text: string }[],
  name: string,
): [string, unknown][] {
  return entities.map(({ key, text }) => {
    try {
      return [key, JSON.parse(text)]
    } catch (cause) {
      throw new Unreadable(`${kind} "${key}" of ${name} is stored, but is not JSON`, { cause })
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
