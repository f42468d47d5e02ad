/** The HTTP side of the control plane: the API under /api/v1 behind its token, and the public pages beside it. */
import { OpenAPIHono } from '@hono/zod-openapi'
import { docs } from '../docs/page.ts'
import { ENTITY_KINDS } from '../document.ts'
import { landingPage } from '../landing.ts'
import { answerProblem } from './answer-problem.ts'
import { approvals } from './approvals.ts'
import { audit } from './audit.ts'
import { authentication } from './authentication.ts'
import { backups } from './backup.ts'
import { breakers } from './breakers.ts'
import { calendar } from './calendar.ts'
import type { ApiEnv } from './context.ts'
import { document } from './document.ts'
import { entities } from './entities.ts'
import { environments } from './environments.ts'
import { evaluate } from './evaluate.ts'
import { flags } from './flags.ts'
import { health } from './health.ts'
import { hooks } from './hooks.ts'
import { impact } from './impact.ts'
import { keys } from './keys.ts'
import { kills } from './kills.ts'
import { countRequests, metrics } from './metrics.ts'
import { mirrors } from './mirrors.ts'
import { openapi } from './openapi.ts'
import { originHealth } from './origin-health.ts'
import { outcomes } from './outcomes.ts'
import { pathOf } from './path.ts'
import { people } from './people.ts'
import { previews } from './previews.ts'
import { promote } from './promotion.ts'
import { propagation } from './propagation.ts'
import { responseHeaders } from './response-headers.ts'
import { restores } from './restore.ts'
import { reviews } from './reviews.ts'
import { schedules } from './schedules.ts'
import { splits } from './splits.ts'
import { store } from './store.ts'
import { tokens } from './tokens.ts'
import { answerUnrouted } from './unrouted.ts'
import { refuseInvalid } from './validation.ts'
import { versions } from './versions.ts'
import { webhookDeliveries } from './webhook-deliveries.ts'
import { webhooks } from './webhooks.ts'

export const app = new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid, getPath: pathOf })

app.use(responseHeaders)
app.use(countRequests)
app.onError(answerProblem)
app.notFound((c) => answerUnrouted(c, app.routes))

app.get('/', landingPage)
docs(app)
health(app)
metrics(app)
hooks(app)

const api = new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid })
api.use(authentication)
environments(api)
store(api)
document(api)
for (const kind of ENTITY_KINDS) entities(api, kind)
flags(api)
splits(api)
previews(api)
kills(api)
propagation(api)
mirrors(api)
breakers(api)
originHealth(api)
outcomes(api)
versions(api)
evaluate(api)
keys(api)
tokens(api)
people(api)
audit(api)
backups(api)
restores(api)
webhooks(api)
webhookDeliveries(api)
approvals(api)
schedules(api)
calendar(api)
reviews(api)
promote(api)
impact(api)
app.route('/api/v1', api)
openapi(app)
