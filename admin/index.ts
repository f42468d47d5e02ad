/** The control plane Worker: admin API over HTTP, `ControlRpc` for the edge, and the objects that hold everything. */
import { app } from './api/app.ts'

export { EnvironmentObject } from './objects/environment.ts'
export { HealthObject } from './objects/health.ts'
export { IdempotencyObject } from './objects/idempotency.ts'
export { MetricsObject } from './objects/metrics.ts'
export { ProjectObject } from './objects/project.ts'
export { WebhooksObject } from './objects/webhooks.ts'
export { ControlRpc } from './rpc.ts'

export default app
