/** Who may look at health and metrics in detail: anybody with a role, and whoever shows METRICS_TOKEN, for those alone. */
import { ACCESS_HEADER } from '../access/cloudflare-access.ts'
import { EVERYWHERE, type Principal } from '../access/principal.ts'
import { bearerToken, sameSecret } from '../auth.ts'
import { parseConfig } from '../env.ts'
import { principalOf } from './authentication.ts'
import type { ApiContext } from './context.ts'

const MONITOR: Principal = { id: 'metrics', role: 'viewer', ...EVERYWHERE }

/** Who calls. Throws 401 if nobody known does. */
export async function monitorOf(c: ApiContext): Promise<Principal> {
  const { metricsToken } = parseConfig(c.env)
  const token = bearerToken(c.req.header('authorization'))
  if (token !== null && metricsToken !== null && sameSecret(token, metricsToken)) return MONITOR
  return principalOf(c)
}

/** Whether the caller says who he is. */
export const identifies = (c: ApiContext): boolean =>
  c.req.header('authorization') !== undefined || c.req.header(ACCESS_HEADER) !== undefined
