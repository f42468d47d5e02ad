/** The edge Worker: evaluates flags in front of your services and routes each request to its origin. */
import type { Env } from './env.ts'
import { handle } from './handler.ts'

export default {
  fetch: (request, env, ctx) => handle(request as Request, env, ctx),
} satisfies ExportedHandler<Env>
