/** `GET /.turnout/snapshot`: what SDKs on servers evaluate by. For server keys only, in open environments too. */
import { encodeDelivery, type Prepared, stateOf } from '../engine/index.ts'
import type { Caller } from './access.ts'
import { matchesTag } from './etag.ts'
import { problem } from './problem.ts'

export function delivery(prepared: Prepared, caller: Caller | null, ifNoneMatch: string | null): Response {
  if (caller === 'client')
    return problem(403, 'Forbidden', 'a client key evaluates at the edge; a snapshot needs a server key')
  if (caller !== 'server')
    return problem(401, 'Unauthorized', 'a server key is required: Authorization: Bearer … or X-API-Key', {
      'www-authenticate': 'Bearer',
    })
  const etag = `"${stateOf(prepared)}"`
  const headers = { etag, 'cache-control': 'private, no-cache', vary: 'authorization, x-api-key' }
  if (matchesTag(ifNoneMatch, etag)) return new Response(null, { status: 304, headers })
  return new Response(encodeDelivery(prepared), {
    headers: { ...headers, 'content-type': 'text/plain; charset=utf-8' },
  })
}
