/** Health, for probes: public, and nothing but the status. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { logWarn, messageOf } from '../log.ts'
import { callProject } from '../stubs.ts'
import type { ApiEnv } from './context.ts'

export function health(app: OpenAPIHono<ApiEnv>): void {
  app.get('/health/live', (c) => c.json({ status: 'ok' }))

  app.get('/health/ready', async (c) => {
    try {
      await callProject(c.env, (stub) => stub.ping())
      return c.json({ status: 'ok' })
    } catch (thrown) {
      logWarn('not-ready', { cause: messageOf(thrown) })
      return c.json({ status: 'unavailable' }, 503)
    }
  })
}
