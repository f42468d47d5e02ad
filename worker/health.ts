/**
 * Whether this edge is there, and what it serves. Public: it tells versions and numbers. Names of what is killed are for those
 * who see every flag anyway.
 */
import type { Endpoint } from './surroundings.ts'

export const live: Endpoint = () =>
  Response.json({ status: 'ok' }, { headers: { 'cache-control': 'no-store' } })

export const ready: Endpoint = async (env) => {
  const prepared = await env.prepared()
  const { release } = env
  const { source, readAtMs, problems } = env.status()
  const headers = { 'cache-control': 'no-store' }
  if (prepared === null)
    return Response.json(
      { status: 'unavailable', release, isolate: env.isolate, problems },
      { status: 503, headers },
    )
  const { environment, epoch, version, access } = prepared.snapshot
  const { kills } = prepared.kills
  const caller = await env.callers.caller(env.facts.request, access)
  const seesAll = caller === 'server' || caller === 'open'
  const status = problems.length === 0 && source === 'control-plane' ? 'ready' : 'degraded'
  const ageMs = Number.isFinite(readAtMs) ? Math.max(0, Date.now() - readAtMs) : null
  const body = {
    status,
    environment,
    epoch,
    version,
    killsVersion: prepared.kills.version,
    killCount: kills.length,
    ...(seesAll && { kills: kills.map(({ target }) => nameOf(target)) }),
    source,
    ageMs,
    release,
    isolate: env.isolate,
    problems,
  }
  return Response.json(body, { headers })
}

/** The host of an origin is no application's business: `origin:ROUTE/VARIANT` alone. */
const nameOf = (target: string): string =>
  target.startsWith('origin:') ? target.split('/', 2).join('/') : target
