/** Publish checks of the identities of a route: every error with its path. Pure. */
import { type Check, child, type Fields, type Path, show } from './check.ts'
import { type OriginRules, originProblem } from './origin-url.ts'

/** Of an issuer, an audience and the name of a claim. */
const MAX_TEXT = 1_024

export function checkIdentity(check: Check, path: Path, value: unknown, rules: OriginRules): void {
  if (!check.array(path, value)) return
  if (value.length === 0) check.error(path, 'must name at least one source')
  const name = (at: Path, text: unknown): unknown => checkName(check, at, text)
  const jwt = (at: Path, token: unknown): void => checkJwt(check, at, token, rules)
  const table: Fields = { header: name, cookie: name, query: name, jwt }
  for (const [index, source] of value.entries()) {
    const at = child(path, index)
    if (typeof source === 'string') check.oneOf(at, source, ['cookie', 'ip'])
    else if (check.fields(at, source, table) && Object.keys(source).length !== 1)
      check.error(at, `an identity source has exactly one of ${Object.keys(table).join(', ')}`)
  }
}

function checkJwt(check: Check, path: Path, value: unknown, rules: OriginRules): void {
  const text = (at: Path, given: unknown): unknown =>
    check.is(
      at,
      typeof given === 'string' && given !== '' && given.length <= MAX_TEXT,
      `must be a text of 1 to ${MAX_TEXT} characters`,
      given,
    )
  const name = (at: Path, given: unknown): unknown => checkName(check, at, given)
  const jwksUrl = (at: Path, url: unknown): void => {
    const problem = originProblem(url, rules)
    if (problem) check.error(at, `jwksUrl ${problem}, got ${show(url)}`)
    else if (!rules.allowPrivateOrigins && !/^https:/.test(url as string))
      check.error(at, `jwksUrl must be https: who can change the keys can be any visitor, got ${show(url)}`)
  }
  const table: Fields = { issuer: text, jwksUrl, audience: text, claim: text, cookie: name, header: name }
  const isJwt = check.fields(path, value, table, ['issuer', 'jwksUrl', 'audience'])
  if (isJwt && value.cookie !== undefined && value.header !== undefined)
    check.error(path, 'a token is in one place: "cookie" or "header", not both')
}

const checkName = (check: Check, path: Path, text: unknown): unknown =>
  check.is(
    path,
    typeof text === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(text),
    'must be a name',
    text,
  )
