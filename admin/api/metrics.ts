/** Metrics for Prometheus, and the count of requests that is one of them. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { parseConfig } from '../env.ts'
import { gatherVitals } from '../monitoring/gather.ts'
import { metricsOf } from '../monitoring/metrics.ts'
import { gatherOrigins } from '../monitoring/origins.ts'
import { CONTENT_TYPE, exposition } from '../monitoring/prometheus.ts'
import { RequestCounts, routeClassOf } from '../monitoring/requests.ts'
import type { ApiEnv } from './context.ts'
import { monitorOf } from './monitor.ts'

const requests = new RequestCounts()

export const countRequests: MiddlewareHandler<ApiEnv> = async (c, next) => {
  await next()
  const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')
  requests.add(
    route === undefined ? 'none' : routeClassOf(route.path),
    c.req.method,
    c.res.status,
    Date.now(),
  )
}

export function metrics(app: OpenAPIHono<ApiEnv>): void {
  app.get('/metrics', async (c) => {
    const nowMs = Date.now()
    const vitals = await gatherVitals(c.env, await monitorOf(c))
    const { release } = parseConfig(c.env)
    const startedAtMs = requests.startedAtMs ?? nowMs
    const origins = await gatherOrigins(c.env, vitals, nowMs)
    const known = { vitals, origins, release, requests: requests.samples, startedAtMs, nowMs }
    return c.body(exposition(metricsOf(known)), 200, { 'content-type': CONTENT_TYPE })
  })
}
