/** Which texts are CIDR blocks; used at publish, so that reading one later needs no checks. Pure. */
import { parseAddress } from './ip.ts'

/** An address with an optional prefix length that fits its version. */
export function isCidr(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const [host = '', prefix, rest] = value.split('/')
  const address = parseAddress(host)
  if (!address || rest !== undefined) return false
  if (prefix === undefined) return true
  const mapped = address.length === 2 && host.includes(':')
  const bits = Number(prefix) - (mapped ? 96 : 0)
  return /^(0|[1-9]\d{0,2})$/.test(prefix) && bits >= 0 && bits <= address.length * 16
}
