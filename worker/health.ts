/** Whether this edge is there, and what it serves. Public: names what is in use, and nothing of what it holds. */
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
  const { environment, epoch, version } = prepared.snapshot
  const status = problems.length === 0 && source === 'control-plane' ? 'ready' : 'degraded'
  const ageMs = Number.isFinite(readAtMs) ? Math.max(0, Date.now() - readAtMs) : null
  const body = {
    status,
    environment,
    epoch,
    version,
    killsVersion: prepared.kills.version,
    kills: prepared.kills.kills.map(({ target }) => namedInPublic(target)),
    source,
    ageMs,
    release,
    isolate: env.isolate,
    problems,
  }
  return Response.json(body, { headers })
}

/** Anybody may ask for it, and the host of an origin is nobody's business: `origin:ROUTE/VARIANT` alone. */
const namedInPublic = (target: string): string =>
  target.startsWith('origin:') ? target.split('/', 2).join('/') : target
