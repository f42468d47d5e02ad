/**
 * What the target of a kill names, and what a kill of it would do there. Needs a document only to catch a mistake: where it cannot
 * be read, that is logged, and nothing is held against the kill.
 */
import {
  type CompileIssue,
  canonicalFlag,
  type Flag,
  type KillTarget,
  type Route,
  type ShortFlag,
  upstreamName,
} from '../../engine/index.ts'
import { type Document, EMPTY_DOCUMENT, tagsOf } from '../document.ts'
import { type Failed, failed, invalid } from '../failure.ts'
import { brokenByKill } from '../governance/bonds.ts'
import { diversions } from '../governance/diversion.ts'
import { forbiddenKill, leaps } from '../governance/stage-kills.ts'
import { logWarn, messageOf } from '../log.ts'
import { nearest } from '../nearest.ts'
import { keysOfKind, readEntity } from '../storage/entities.ts'
import { killsForEdges } from '../storage/kills.ts'

/** The failure to answer if a name is that of no origin; `null`: it is, or nobody can tell. */
export function misnamedOrigin(sql: SqlStorage, origin: string): Failed | null {
  return mistyped(sql, () => EMPTY_DOCUMENT, `origin:${origin}`, null)
}

/** The failure to answer if the target, or the variant of a flag, names nothing; `null` if all is well or unknowable. */
export function mistyped(
  sql: SqlStorage,
  document: () => Document,
  target: KillTarget,
  variant: string | null,
): Failed | null {
  const colon = target.indexOf(':')
  if (colon < 0) return null
  const what = target.slice(0, colon) as 'flag' | 'route' | 'tag' | 'origin'
  const key = target.slice(colon + 1)
  if (what === 'origin' && variant !== null)
    return invalid('kill', '$.variant', 'must be left out: the kill of an origin changes no decision')
  try {
    if (what === 'origin') return unknownOrigin(sql, key)
    const known = what === 'tag' ? [...tagsOf(document())] : keysOfKind(sql, what)
    if (!known.includes(key)) return failed({ reason: 'unknown', what, key, nearest: nearest(key, known) })
    return what === 'flag' && variant !== null ? unknownVariant(sql, key, variant) : null
  } catch (thrown) {
    logWarn('kill-target-unchecked', { target, cause: messageOf(thrown) })
    return null
  }
}

/**
 * The failure to answer if a kill would lead a migration forward, or back before its point of no return, or a flag to what one
 * has left behind; `null` if it would not, or that cannot be told. One without a variant serves `off`, which can do neither.
 */
export function misleading(
  sql: SqlStorage,
  document: () => Document,
  target: KillTarget,
  variant: string | null,
): Failed | null {
  if (variant === null) return null
  try {
    const current = document()
    const { flags } = current
    const keys = reached(target, current).filter((key) => Object.hasOwn(flags, key))
    const kills = killsForEdges(sql)
    const sentences = [
      ...keys.flatMap((key) => forbiddenKill(key, flags[key], variant, kills) ?? []),
      ...brokenByKill(flags, new Set(keys), variant),
    ]
    const errors = sentences.map((message) => ({ path: '$.variant', message }))
    return errors.length === 0 ? null : failed({ reason: 'stage-order', errors })
  } catch (thrown) {
    logWarn('kill-target-unchecked', { target, cause: messageOf(thrown) })
    return null
  }
}

/** What would leap if these kills ended: a migration comes back stage by stage. Nothing where that cannot be told. */
export function leapingAfter(
  sql: SqlStorage,
  document: () => Document,
  ended: ReadonlySet<string>,
): readonly CompileIssue[] {
  const kills = killsForEdges(sql)
  try {
    return leaps(
      document().flags,
      kills,
      kills.filter(({ target }) => !ended.has(target)),
    )
  } catch (thrown) {
    logWarn('kill-target-unchecked', { target: [...ended].join(' '), cause: messageOf(thrown) })
    return []
  }
}

/** Keys of the flags that a kill is about. */
export function reached(target: string, { flags, routes }: Document): string[] {
  const [what, name = ''] = target.split(/:(.*)/s)
  switch (what) {
    case 'flag':
      return [name]
    case 'tag':
      return Object.keys(flags).filter((key) => {
        const flag = flags[key]
        return typeof flag === 'object' && flag.tags?.includes(name)
      })
    case 'all-flags':
      return Object.keys(flags)
    default:
      return routes.filter(({ id }) => what === 'all-routes' || id === name).map(({ flag }) => flag)
  }
}

/** `ROUTE/VARIANT`, or `ROUTE/VARIANT/HOST` of a member of its pool. */
function unknownOrigin(sql: SqlStorage, name: string): Failed | null {
  const [id = '', variant = ''] = name.split('/')
  const stored = readEntity(sql, 'route', id)
  if (stored === null)
    return failed({
      reason: 'unknown',
      what: 'route',
      key: id,
      nearest: nearest(id, keysOfKind(sql, 'route')),
    })
  const { origins } = JSON.parse(stored.text) as Route
  const known = Object.entries(origins).flatMap(([own, { pool = [] }]) => [
    upstreamName(id, own),
    ...pool.map(({ url }) => upstreamName(id, own, url)),
  ])
  if (known.includes(name)) return null
  const close = nearest(name, known) ?? (Object.hasOwn(origins, variant) ? `${id}/${variant}` : null)
  return failed({ reason: 'unknown', what: 'origin', key: name, nearest: close })
}

function unknownVariant(sql: SqlStorage, key: string, variant: string): Failed | null {
  const stored = readEntity(sql, 'flag', key)
  if (stored === null) return null
  const names = Object.keys(canonicalFlag(JSON.parse(stored.text) as Flag | ShortFlag).variants)
  if (names.includes(variant)) return null
  return invalid('kill', '$.variant', `flag ${key} has no variant "${variant}"; it has ${names.join(', ')}`)
}

/** Whether a kill with that variant serves the `off` of what it is about; false where that cannot be told. */
export function servesOff(sql: SqlStorage, target: KillTarget, variant: string): boolean {
  const [what, key = ''] = target.split(/:(.*)/s)
  try {
    const flag = what === 'route' ? flagOfRoute(sql, key) : what === 'flag' ? key : null
    return flag !== null && offOf(sql, flag) === variant
  } catch (thrown) {
    logWarn('kill-target-unchecked', { target, cause: messageOf(thrown) })
    return false
  }
}

/** Variants whose requests the kill of an origin would send to another origin than that of `off`; none where that cannot be told. */
export function divertedBy(sql: SqlStorage, target: KillTarget): { from: string; to: string }[] {
  const [id = ''] = target.slice('origin:'.length).split('/')
  try {
    const route = readEntity(sql, 'route', id)
    if (route === null) return []
    const written = JSON.parse(route.text) as Route
    const kills = killsForEdges(sql)
    return diversions(written, offOf(sql, written.flag) ?? 'off', kills, [...kills, { target }])
  } catch (thrown) {
    logWarn('kill-target-unchecked', { target, cause: messageOf(thrown) })
    return []
  }
}

/** The variant that a flag's kill serves; `null`: there is no such flag. */
function offOf(sql: SqlStorage, key: string): string | null {
  const stored = readEntity(sql, 'flag', key)
  return stored === null ? null : canonicalFlag(JSON.parse(stored.text) as Flag | ShortFlag).off
}

function flagOfRoute(sql: SqlStorage, id: string): string | null {
  const stored = readEntity(sql, 'route', id)
  return stored === null ? null : (JSON.parse(stored.text) as Route).flag
}
