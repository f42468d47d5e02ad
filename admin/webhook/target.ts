/**
 * Which URLs a webhook may have: the guard against server-side request forgery, when it is written and again when it is
 * used. Pure. Source: docs/security.md, "Webhook targets".
 */
import { originProblem } from '../../engine/index.ts'

/** A sentence that completes "url …", or `null` if a webhook may send there. `local`: this is a local run. */
export function targetProblem(url: string, local: boolean): string | null {
  if (!local && !url.startsWith('https://'))
    return 'must begin with https://; http is only allowed in local runs'
  return originProblem(url, { allowPrivateOrigins: local, edgeHosts: [] })
}

/** Host and port of a URL for which `targetProblem` is `null`. */
export const hostOf = (url: string): string => new URL(url).host
