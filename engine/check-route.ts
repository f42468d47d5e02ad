/** Publish checks of the routes: every error with its path. Pure. */
import { type Check, child, type Fields, isObject, listed, type Path, show } from './check.ts'
import { checkBreaker } from './check-breaker.ts'
import { checkCache } from './check-cache.ts'
import { checkHealthChecks } from './check-health.ts'
import { checkIdentity } from './check-identity.ts'
import { checkMirror } from './check-mirror.ts'
import type { Variants } from './check-names.ts'
import { checkHeaderName, checkOrigins, checkTimeout } from './check-origin.ts'
import { DRAIN_MODES } from './document.ts'
import { aGlob, MAX_GLOB } from './operators.ts'
import type { OriginRules } from './origin-url.ts'

const MAX_ROUTES = 1000
const MAX_PATH = 2048
const MAX_RETRY_AFTER_SECONDS = 86_400
/** How long a connection may stay where its visitor is not served any more. */
const MAX_DRAIN_SECONDS = 86_400
/** Of a maintenance page, characters: it travels in the snapshot. */
const MAX_BODY = 16_384

export function checkRoutes(
  check: Check,
  path: Path,
  value: unknown,
  flags: Variants,
  rules: OriginRules,
): void {
  if (!check.array(path, value)) return
  if (value.length > MAX_ROUTES)
    return check.error(path, `a document has at most ${MAX_ROUTES} routes, got ${value.length}`)
  checkHealthChecks(check, path, value)
  const ids = new Set<unknown>()
  /** Its id, as it may stand in a sentence. */
  let catchAll: string | null = null
  for (const [at, route] of value.entries()) {
    const where = child(path, at)
    if (catchAll !== null) check.warn(where, `route can never match: route ${catchAll} before it always does`)
    else if (isObject(route) && matchesAll(route.match)) catchAll = show(route.id)
    checkRoute(check, where, route, flags, rules)
    const id = isObject(route) ? route.id : undefined
    if (typeof id === 'string' && ids.has(id))
      check.error(child(where, 'id'), `route id ${show(id)} is used twice`)
    ids.add(id)
  }
}

/** A match without any condition, or with a path that every request has. */
function matchesAll(match: unknown): boolean {
  if (!isObject(match)) return false
  const { path = '*', ...others } = match
  return Object.keys(others).length === 0 && (path === '*' || path === '/*')
}

function checkRoute(check: Check, path: Path, value: unknown, flags: Variants, rules: OriginRules): void {
  const origins = new Set(isObject(value) && isObject(value.origins) ? Object.keys(value.origins) : [])
  const anOrigin = (at: Path, name: unknown): void => {
    if (check.string(at, name) && !origins.has(name))
      check.error(at, `${show(name)} has no origin; there are ${listed(origins) || 'none'}`)
  }
  const aFlag = (at: Path, key: unknown): void => {
    if (check.string(at, key) && !flags.has(key)) check.error(at, `unknown flag ${show(key)}`)
  }
  const timeout = (at: Path, ms: unknown): unknown => checkTimeout(check, at, ms)
  const flag = (at: Path, ms: unknown): unknown => check.boolean(at, ms)
  const table: Fields = {
    id: (at, id) => check.key(at, id),
    description: (at, text) => check.string(at, text),
    match: (at, match) => checkMatch(check, at, match),
    flag: aFlag,
    origins: (at, map) =>
      checkOrigins(check, at, map, isObject(value) ? flags.get(value.flag as string) : null, anOrigin, rules),
    fallback: anOrigin,
    identity: (at, list) => checkIdentity(check, at, list, rules),
    identityTrusted: flag,
    cookieDomain: (at, domain) =>
      check.is(
        at,
        typeof domain === 'string' && /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(domain),
        'must be a domain such as example.com',
        domain,
      ),
    overrides: (at, overrides) => checkOverrides(check, at, overrides, anOrigin),
    rewrite: (at, rewrite) => {
      const prefix = (inner: Path, text: unknown): unknown =>
        check.is(
          inner,
          typeof text === 'string' &&
            /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/.test(text) &&
            !/(^|\/)\.{1,2}(\/|$)|%2e/i.test(text),
          'must be a path that begins with /',
          text,
        )
      check.fields(at, rewrite, { stripPrefix: prefix, addPrefix: prefix })
    },
    timeoutMs: timeout,
    deadlineMs: timeout,
    idempotent: flag,
    maintenance: (at, maintenance) =>
      check.fields(
        at,
        maintenance,
        {
          flag: aFlag,
          status: (inner, code) => check.is(inner, code === 503, 'must be 503', code),
          retryAfterSeconds: (inner, seconds) => check.integer(inner, seconds, 1, MAX_RETRY_AFTER_SECONDS),
          body: (inner, text) =>
            check.string(inner, text) &&
            check.is(inner, text.length <= MAX_BODY, `must have at most ${MAX_BODY} characters`, text.length),
        },
        ['flag'],
      ),
    drain: (at, drain) => checkDrain(check, at, drain),
    breaker: (at, breaker) => checkBreaker(check, at, breaker),
    debug: flag,
    bootstrap: flag,
    mirror: (at, mirror) => checkMirror(check, at, mirror, origins, anOrigin),
    cache: (at, cache) => checkCache(check, at, cache, isObject(value) ? value.origins : undefined),
  }
  check.fields(path, value, table, ['id', 'match', 'flag', 'origins', 'fallback'])
}

function checkDrain(check: Check, path: Path, value: unknown): void {
  const table: Fields = {
    mode: (at, mode) => check.oneOf(at, mode, DRAIN_MODES),
    maxAgeSeconds: (at, seconds) => {
      if (isObject(value) && value.mode === 'immediate') check.error(at, 'is only for "graceful"')
      else check.integer(at, seconds, 1, MAX_DRAIN_SECONDS)
    },
  }
  check.fields(path, value, table, ['mode'])
}

function checkMatch(check: Check, path: Path, value: unknown): void {
  const table: Fields = {
    host: (at, host) =>
      check.is(
        at,
        typeof host === 'string' && /^[A-Za-z0-9.*?:_-]+$/.test(host),
        'must be a host name, exact or with * and ?',
        host,
      ),
    path: (at, text) =>
      check.is(
        at,
        typeof text === 'string' && text.length <= MAX_PATH && /^[/*][^\s#]*$/.test(text),
        `must be a path of at most ${MAX_PATH} characters that begins with / or *`,
        text,
      ),
    methods: (at, list) => {
      if (!check.array(at, list)) return
      for (const [index, method] of list.entries()) {
        check.is(
          child(at, index),
          typeof method === 'string' && /^[A-Z]+$/.test(method),
          'must be an HTTP method in upper case',
          method,
        )
      }
    },
    headers: (at, map) => {
      if (!check.object(at, map)) return
      for (const [name, wanted] of Object.entries(map)) {
        checkHeaderName(check, child(at, name), name)
        if (isObject(wanted))
          check.fields(
            child(at, name),
            wanted,
            {
              glob: (inner, text) =>
                check.is(
                  inner,
                  aGlob(text) === null,
                  `must be a string of at most ${MAX_GLOB} characters`,
                  text,
                ),
            },
            ['glob'],
          )
        else check.string(child(at, name), wanted)
      }
    },
  }
  check.fields(path, value, table)
}

function checkOverrides(
  check: Check,
  path: Path,
  value: unknown,
  anOrigin: (at: Path, name: unknown) => void,
): void {
  const header = (at: Path, map: unknown): void => {
    if (!check.object(at, map)) return
    for (const [name, values] of Object.entries(map)) {
      const where = child(at, name)
      checkHeaderName(check, where, name)
      if (check.object(where, values))
        for (const [text, variant] of Object.entries(values)) anOrigin(child(where, text), variant)
    }
  }
  check.fields(path, value, { header })
}
