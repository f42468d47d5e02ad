/** From where a request comes: what Cloudflare says, or, where Turnout runs by itself, the connection and trusted proxies. */
import { clientBehind, type Peer } from '../../engine/index.ts'
import { parseConfig } from '../env.ts'
import type { ApiContext } from './context.ts'

/** The client's address; `null`: it is not known. */
export function clientAddress(c: ApiContext): string | null {
  const { proxies } = parseConfig(c.env)
  if (proxies === null) return c.req.header('cf-connecting-ip') ?? null
  const { cf } = c.req.raw as Request<unknown, Peer>
  return clientBehind(proxies, cf ?? {}, c.req.header('x-forwarded-for') ?? null).address
}
