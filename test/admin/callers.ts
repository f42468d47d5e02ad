/** Callers of the API with roles of their own. */
import type { Role } from '../../admin/access/principal.ts'
import { type CallOptions, call, value } from './client.ts'

let made = 0

export interface Caller {
  /** As the audit log names them. */
  id: string
  call(path: string, options?: CallOptions): Promise<Response>
}

/** `maker`: whoever makes the token; the bootstrap token if nobody is named. */
export async function caller(role: Role, maker: Pick<Caller, 'call'> = { call }): Promise<Caller> {
  const name = `${role}-${++made}-${crypto.randomUUID().slice(0, 8)}`
  const { token } = await value(await maker.call('/api/v1/tokens', { body: { name, role } }))
  return {
    id: `token:${name}`,
    call: (path, options = {}) =>
      call(path, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } }),
  }
}
