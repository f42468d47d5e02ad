/** Health, for probes: public, and nothing but the status. Who may look closer is told how each part is. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import { SettingError } from '../config/setting-error.ts'
import { parseConfig } from '../env.ts'
import { logError, logWarn, messageOf } from '../log.ts'
import { gatherVitals } from '../monitoring/gather.ts'
import { componentsOf, overall } from '../monitoring/vitals.ts'
import { callProject } from '../stubs.ts'
import type { ApiContext, ApiEnv } from './context.ts'
import { identifies, monitorOf } from './monitor.ts'
import { Problem } from './problem.ts'

export function health(app: OpenAPIHono<ApiEnv>): void {
  app.get('/health/live', (c) => c.json({ status: 'ok' }))

  app.get('/health/ready', async (c) => {
    try {
      parseConfig(c.env)
      if (identifies(c)) return await inDetail(c)
      await callProject(c.env, (stub) => stub.ping())
      return c.json({ status: 'ok' })
    } catch (thrown) {
      if (thrown instanceof Problem) throw thrown
      if (thrown instanceof SettingError) {
        logError('setting-wrong', { cause: thrown.message })
        return c.json({ status: 'unavailable', problem: thrown.rule }, 503)
      }
      // The object that knows everybody does not answer.
      logWarn('not-ready', { cause: messageOf(thrown) })
      return c.json({ status: 'unavailable' }, 503)
    }
  })
}

async function inDetail(c: ApiContext): Promise<Response> {
  const components = componentsOf(await gatherVitals(c.env, await monitorOf(c)))
  const status = overall(components)
  const { release } = parseConfig(c.env)
  return c.json({ status, release, components }, status === 'unavailable' ? 503 : 200)
}
