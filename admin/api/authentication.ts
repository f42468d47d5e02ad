/**
 * Every call under /api/v1 comes from somebody: the bootstrap token, a token, or a person whom Cloudflare Access vouches
 * for. The bootstrap token is checked here alone, so that it opens the API whatever has become of the stored tokens.
 */
import type { MiddlewareHandler } from 'hono'
import { ACCESS_HEADER, type AccessSettings, CloudflareAccess } from '../access/cloudflare-access.ts'
import { BOOTSTRAP_ID, EVERYWHERE, type Principal } from '../access/principal.ts'
import { bearerToken, hashOfSecret, sameHash } from '../auth.ts'
import { type Env, parseConfig } from '../env.ts'
import { callProject } from '../stubs.ts'
import { Throttle } from '../throttle.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { confirm, holderOf, laneOfCall, unauthorized } from './holder.ts'
import { Problem, tooManyRequests } from './problem.ts'

const BOOTSTRAP: Principal = { id: BOOTSTRAP_ID, role: 'admin', ...EVERYWHERE }

export const authentication: MiddlewareHandler<ApiEnv> = async (c, next) => {
  c.set('principal', await principalOf(c))
  await next()
  await confirm(c)
}

/** Who calls. Throws 401 if nobody known does. */
export async function principalOf(c: ApiContext): Promise<Principal> {
  const token = bearerToken(c.req.header('authorization'))
  if (token !== null) return bearerOf(c, token)
  const jwt = c.req.header(ACCESS_HEADER)
  const { access, bootstrapToken } = parseConfig(c.env)
  if (jwt !== undefined && access !== null) return personOf(c, jwt, access)
  if (bootstrapToken === null && access === null)
    throw unauthorized(
      'ADMIN_BOOTSTRAP_TOKEN is not set on the control plane, so nobody may call this API; see admin/wrangler.toml.',
      'cannot be right, as ADMIN_BOOTSTRAP_TOKEN is not set on the control plane',
    )
  throw unauthorized('Send "authorization: Bearer <token>".', 'must be "Bearer <token>"')
}

async function bearerOf(c: ApiContext, token: string): Promise<Principal> {
  const { bootstrapHash } = parseConfig(c.env)
  const tokenHash = hashOfSecret(token)
  if (bootstrapHash !== null && sameHash(tokenHash, bootstrapHash)) return bootstrap(c)
  return holderOf(c, tokenHash)
}

const throttles = new WeakMap<Env, Throttle>()

/** Nobody is asked about the bootstrap token, so each isolate counts its calls for itself. */
function bootstrap(c: ApiContext): Principal {
  const { env } = c
  const throttle = throttles.get(env) ?? new Throttle(parseConfig(env).requestsPerSecond)
  throttles.set(env, throttle)
  const waitMs = throttle.waitMs(BOOTSTRAP.id, laneOfCall(c), Date.now())
  if (waitMs > 0) throw tooManyRequests(waitMs)
  return BOOTSTRAP
}

async function personOf(c: ApiContext, jwt: string, settings: AccessSettings): Promise<Principal> {
  refuseForgery(c)
  const identified = await accessOf(settings).identify(jwt, new Date())
  if ('refused' in identified)
    throw unauthorized(`${capital(identified.refused)}.`, identified.refused, ACCESS_HEADER)
  const recognized = await callProject(c.env, (stub) =>
    stub.recognize({ person: identified.id }, laneOfCall(c)),
  )
  if ('principal' in recognized) return recognized.principal
  if (recognized.refused === 'throttled') throw tooManyRequests(recognized.waitMs)
  throw new Problem(
    'forbidden',
    `${identified.id} has no role here; an admin gives one with PUT /api/v1/people/${identified.id}.`,
  )
}

/** A person's browser sends the identity with every request, also with those that another site made it send. */
function refuseForgery(c: ApiContext): void {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return
  const site = c.req.header('sec-fetch-site')
  const origin = c.req.header('origin')
  const own = new URL(c.req.url).origin
  if (
    (site === undefined || site === 'same-origin' || site === 'none') &&
    (origin === undefined || origin === own)
  )
    return
  throw new Problem('forbidden', `A page of ${origin ?? 'another site'} may not make changes here.`, [
    {
      path: origin === undefined ? 'sec-fetch-site' : 'origin',
      message: 'must be that of this control plane',
    },
  ])
}

let opened: { settings: AccessSettings; access: CloudflareAccess } | null = null

/** One for each isolate: it remembers the team's keys. */
function accessOf(settings: AccessSettings): CloudflareAccess {
  if (opened?.settings !== settings) opened = { settings, access: new CloudflareAccess(settings) }
  return opened.access
}

const capital = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1)
