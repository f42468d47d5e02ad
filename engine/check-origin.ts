/** Publish checks of the origins of a route: every error with its path. Pure. */
import { type Check, child, type Fields, isObject, listed, type Path, show } from './check.ts'
import { checkBreaker } from './check-breaker.ts'
import { checkHealth } from './check-health.ts'
import { POOL_STRATEGIES } from './document.ts'
import { type OriginRules, originProblem } from './origin-url.ts'
import { checkContinents, checkCountries } from './places.ts'

const MAX_TIMEOUT_MS = 600_000
/** Most variants without an origin that are named one by one. */
const MAX_NAMED = 20

/** `variants`: of the route's flag; `null` or `undefined` where they are not known. */
export function checkOrigins(
  check: Check,
  path: Path,
  value: unknown,
  variants: ReadonlySet<string> | null | undefined,
  anOrigin: (at: Path, name: unknown) => void,
  rules: OriginRules,
): void {
  if (!check.object(path, value)) return
  for (const [name, origin] of Object.entries(value)) {
    checkOrigin(check, child(path, name), origin, anOrigin, rules)
    if (variants && !variants.has(name))
      check.error(
        child(path, name),
        `unknown variant ${show(name)}; the route's flag has ${listed(variants)}`,
      )
  }
  if (variants) checkCovered(check, path, new Set(Object.keys(value)), variants)
}

/** Many routes may have a flag with many variants: a route costs no more than what it says itself. */
function checkCovered(
  check: Check,
  path: Path,
  origins: ReadonlySet<string>,
  variants: ReadonlySet<string>,
): void {
  let missing = variants.size - [...origins].filter((name) => variants.has(name)).length
  let named = 0
  for (const name of variants) {
    if (missing === 0 || named === MAX_NAMED) break
    if (origins.has(name)) continue
    check.error(path, `origins must cover the flag's variants: ${show(name)} has none`)
    missing -= 1
    named += 1
  }
  if (missing > 0) check.error(path, `origins must cover the flag's variants: ${missing} more have none`)
}

function checkOrigin(
  check: Check,
  path: Path,
  value: unknown,
  anOrigin: (at: Path, name: unknown) => void,
  rules: OriginRules,
): void {
  const url = (at: Path, text: unknown): void => {
    const problem = originProblem(text, rules)
    if (problem) check.error(at, `url ${problem}, got ${show(text)}`)
  }
  const flag = (at: Path, ms: unknown): unknown => check.boolean(at, ms)
  const table: Fields = {
    url,
    pool: (at, list) => {
      if (!check.array(at, list)) return
      if (list.length === 0) check.error(at, 'must have at least one member')
      for (const [index, member] of list.entries()) checkMember(check, child(at, index), member, url)
    },
    strategy: (at, strategy) => check.oneOf(at, strategy, POOL_STRATEGIES),
    priority: (at, number) => check.integer(at, number, 0, 1_000_000),
    fallback: (at, name) => name === null || anOrigin(at, name),
    timeoutMs: (at, ms) => checkTimeout(check, at, ms),
    headers: (at, map) => checkOriginHeaders(check, at, map),
    removeHeaders: (at, list) => {
      if (check.array(at, list))
        for (const [index, name] of list.entries()) checkRemoved(check, child(at, index), name)
    },
    context: flag,
    shareCredentials: flag,
    breaker: (at, breaker) => checkBreaker(check, at, breaker),
    health: (at, health) => checkHealth(check, at, health),
  }
  if (!check.fields(path, value, table)) return
  if ((value.url === undefined) === (value.pool === undefined))
    check.error(path, 'an origin has either "url" or "pool"')
  checkPool(check, path, value)
}

/** What the members of a pool are together. */
function checkPool(check: Check, path: Path, { url, pool, strategy }: Record<string, unknown>): void {
  if (url !== undefined && strategy !== undefined)
    check.error(child(path, 'strategy'), 'only a pool has a strategy; this origin has one url')
  const members = Array.isArray(pool) ? pool.filter(isObject) : []
  if (members.length === 0) return
  const urls = new Set<unknown>()
  for (const [at, { url: own }] of members.entries()) {
    if (urls.has(own))
      check.error(child(child(child(path, 'pool'), at), 'url'), `${show(own)} is a member twice`)
    urls.add(own)
  }
  if (strategy === 'weighted' && members.every(({ weight = 1 }) => weight === 0))
    check.error(child(path, 'pool'), 'needs a member with a weight above 0')
}

function checkMember(check: Check, path: Path, value: unknown, url: (at: Path, text: unknown) => void): void {
  const table: Fields = {
    url,
    region: (at, text) => check.string(at, text),
    continents: (at, list) => checkContinents(check, at, list),
    countries: (at, list) => checkCountries(check, at, list),
    priority: (at, number) => check.integer(at, number, 0, 1_000_000),
    role: (at, role) => check.oneOf(at, role, ['active', 'passive']),
    latencyThresholdMs: (at, ms) => checkTimeout(check, at, ms),
    weight: (at, number) => check.number(at, number, 0, 1_000_000),
    health: (at, health) => checkHealth(check, at, health),
  }
  check.fields(path, value, table, ['url'])
}

export const checkTimeout = (check: Check, path: Path, ms: unknown): boolean =>
  check.integer(path, ms, 1, MAX_TIMEOUT_MS)

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** With the names that CGI, WSGI, Rack and PHP take for the same. */
const OURS =
  /^(host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|cdn-loop|(cf|x[^a-z\d]turnout)[^a-z\d].*)$/i

export function checkHeaderName(check: Check, path: Path, name: unknown): boolean {
  return check.is(path, typeof name === 'string' && HEADER_NAME.test(name), 'must be a header name', name)
}

function checkRemoved(check: Check, path: Path, name: unknown): void {
  if (checkHeaderName(check, path, name) && /^cdn-loop$/i.test(name as string))
    check.error(path, `header ${name} must stay: by it a loop is told, and ends with 508`)
}

function checkOriginHeaders(check: Check, path: Path, value: unknown): void {
  if (!check.object(path, value)) return
  for (const [name, text] of Object.entries(value)) {
    const at = child(path, name)
    if (!checkHeaderName(check, at, name)) continue
    if (OURS.test(name))
      check.error(at, `header ${name} is set by the platform or the edge and cannot be given`)
    // Visible ASCII, spaces and tabs: a line break would split the request (RFC 9110, section 5.5).
    check.is(
      at,
      typeof text === 'string' && /^[\t\x20-\x7e]*$/.test(text),
      'must be a header value without control characters',
      text,
    )
  }
}
