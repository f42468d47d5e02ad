/**
 * Which URLs an origin may have. Strict on purpose: what this page accepts, every URL parser reads the same way. Pure.
 * Source: docs/security.md; the guard against server-side request forgery at publish.
 */
import { parseAddress } from './ip.ts'

const MAX_URL = 2048
/** RFC 1035, section 2.3.1, and the underscore that names in use have. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

export interface OriginRules {
  /** Local runs: loopback, private and literal addresses are fine. */
  readonly allowPrivateOrigins: boolean
  /** Host names of the environment's own edge: sending a request there would loop. */
  readonly edgeHosts: readonly string[]
}

const URL =
  /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)(?::([1-9]\d{0,4}))?((?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*)$/

/** A sentence that completes "url …", or `null` if the URL may be an origin. */
export function originProblem(value: unknown, rules: OriginRules): string | null {
  const parts = typeof value === 'string' && value.length <= MAX_URL ? URL.exec(value) : null
  if (!parts)
    return 'must be http:// or https://, a host, an optional port and path; no credentials, query or fragment'
  const host = parts[2]!.toLowerCase()
  const path = parts[4]!
  if (parts[3] !== undefined && !(Number(parts[3]) >= 1 && Number(parts[3]) <= 65_535))
    return 'must have a port from 1 to 65535'
  if (/(^|\/)\.{1,2}(\/|$)|%2e/i.test(path)) return 'must not have dot segments in its path'
  if (rules.edgeHosts.some((edge) => edge.toLowerCase() === host))
    return `must not be one of the edge's own hosts (${host}): requests would loop`
  const literal = parseAddress(host.replace(/^\[|\]$/g, ''))
  if (!literal && (host.startsWith('[') || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(host)))
    return 'must have a host name or a well-formed IP address'
  const labels = host.split('.')
  if (!literal && !labels.every((label) => LABEL.test(label)))
    return 'must have a host name of well-formed labels'
  if (rules.allowPrivateOrigins) return null
  if (literal) return 'must have a host name: IP addresses are only allowed in local runs'
  if (
    !host.includes('.') ||
    /(^|\.)(localhost|localdomain|local|lan|home|corp|intranet|internal|svc|cluster|test|invalid|onion|arpa)$/.test(
      host,
    )
  ) {
    return 'must have a public host name: loopback and private hosts are only allowed in local runs'
  }
  return null
}
