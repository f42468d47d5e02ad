/** The path that routes match. Names of origins hold slashes, which people write as they are: `…/breakers/shop/canary`. */
import { getPath } from 'hono/utils/url'

const NAMED = /^(\/api\/v1\/environments\/[^/]+\/(?:breakers\/|kills\/origin:))(.+)$/

export function pathOf(request: Request): string {
  const path = getPath(request)
  const parts = NAMED.exec(path)
  return parts === null ? path : parts[1] + parts[2]!.replaceAll('/', '%2F')
}
