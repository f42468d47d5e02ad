/**
 * The authored document as the control plane edits it. Pure: a document is never changed in place, and what an edit
 * does not touch is shared, so that a change is found by comparing references.
 */
import { isObject } from '../engine/check.ts'
import { type FlagDocument, type Route, readDocument } from '../engine/index.ts'

/** The kinds of things a document is made of. */
export const ENTITY_KINDS = ['flag', 'segment', 'route'] as const
export type EntityKind = (typeof ENTITY_KINDS)[number]

/** A document with nothing left out. Values are as written; only a compiled document is known to be valid. */
export type Document = Required<FlagDocument>

export const EMPTY_DOCUMENT: Document = { flags: {}, segments: {}, routes: [] }

const FIELD = { flag: 'flags', segment: 'segments', route: 'routes' } as const

/** The document in a value that compiled: a bare map is a map of flags. */
export function completeDocument(compiled: unknown): Document {
  const written = readDocument(compiled as Record<string, unknown>) as Partial<FlagDocument>
  return { flags: written.flags ?? {}, segments: written.segments ?? {}, routes: written.routes ?? [] }
}

/** The document as people get it back: without the parts it does not have. */
export function presentDocument({ flags, segments, routes }: Document): FlagDocument {
  return {
    flags,
    ...(Object.keys(segments).length > 0 ? { segments } : {}),
    ...(routes.length > 0 ? { routes } : {}),
  }
}

/** The flag, segment or route of that key as written, or undefined. */
export function entityOf(document: Document, kind: EntityKind, key: string): unknown {
  if (kind === 'route') return document.routes.find((route) => route.id === key)
  const entities: Record<string, unknown> = document[FIELD[kind]]
  return Object.hasOwn(entities, key) ? entities[key] : undefined
}

export const keysOf = (document: Document, kind: EntityKind): string[] =>
  kind === 'route' ? document.routes.map((route) => route.id) : Object.keys(document[FIELD[kind]])

/** Sets one entity, or removes it (`undefined`). A new route goes to the end. */
export function withEntity(document: Document, kind: EntityKind, key: string, value: unknown): Document {
  if (kind === 'route') return { ...document, routes: withRoute(document.routes, key, value) }
  const entities = new Map<string, unknown>(Object.entries(document[FIELD[kind]]))
  if (value === undefined) entities.delete(key)
  else entities.set(key, value)
  return { ...document, [FIELD[kind]]: Object.fromEntries(entities) }
}

function withRoute(routes: readonly Route[], id: string, value: unknown): Route[] {
  const at = routes.findIndex((route) => route.id === id)
  if (value === undefined) return routes.filter((route) => route.id !== id)
  return at < 0 ? [...routes, value as Route] : routes.with(at, value as Route)
}

/** Puts a route that is there right before another one. */
export function movedBefore(document: Document, id: string, before: string): Document {
  const moved = document.routes.find((route) => route.id === id)!
  const others = document.routes.filter((route) => route.id !== id)
  const at = others.findIndex((route) => route.id === before)
  return { ...document, routes: others.toSpliced(at, 0, moved) }
}

/** The tags that flags of this document carry. */
export function tagsOf(document: Document): Set<string> {
  const tags = new Set<string>()
  for (const flag of Object.values(document.flags))
    if (isObject(flag) && Array.isArray(flag.tags)) for (const tag of flag.tags) tags.add(tag as string)
  return tags
}
