/** The chains of the audit log that a caller may read, and how each is asked. */
import { covers } from '../access/principal.ts'
import type { AuditFilter, AuditPosition, StoredEntry, Verification } from '../storage/audit.ts'
import { callProject, callWebhooks } from '../stubs.ts'
import { ask } from './ask.ts'
import { requireEnvironment, requireEverywhere } from './authorization.ts'
import type { ApiContext } from './context.ts'
import { Problem } from './problem.ts'

/** Name of an environment; `null`: the control plane itself; `@webhooks`: its webhooks. */
export type Chain = string | null

const CONTROL_PLANE = '@control-plane'
const WEBHOOKS = '@webhooks'
/** Most chains that one call reads. */
const MAX_CHAINS = 200

/** The chains that a query means. Without a name: every environment in the caller's scope, and the control plane if all are. */
export async function chainsOf(c: ApiContext, wanted: string | undefined): Promise<Chain[]> {
  if (wanted === CONTROL_PLANE || wanted === WEBHOOKS) {
    requireEverywhere(c)
    return [wanted === CONTROL_PLANE ? null : wanted]
  }
  if (wanted !== undefined) {
    requireEnvironment(c, wanted)
    return [wanted]
  }
  const principal = c.get('principal')
  const everywhere = principal.projects === null && principal.environments === null
  const names = await callProject(c.env, (stub) => stub.environmentNames('all'))
  const covered = names.filter((name) => covers(principal, name))
  if (covered.length > MAX_CHAINS)
    throw new Problem(
      'invalid',
      `There are ${covered.length} environments; name one with \`?environment=\`.`,
      [{ path: 'query.environment', message: `is required above ${MAX_CHAINS} environments` }],
    )
  return everywhere ? [null, WEBHOOKS, ...covered] : covered
}

/** Entries of one chain, at a position. */
export function pageOfChain(
  c: ApiContext,
  chain: Chain,
  filter: AuditFilter,
  position: AuditPosition,
  limit: number,
): Promise<StoredEntry[]> {
  if (chain === null) return callProject(c.env, (stub) => stub.audit(filter, position, limit))
  if (chain === WEBHOOKS) return callWebhooks(c.env, (stub) => stub.audit(filter, position, limit))
  return ask(c, chain, (stub) => stub.audit(filter, position, limit))
}

export function verifyChain(c: ApiContext, chain: Chain): Promise<Verification> {
  if (chain === null) return callProject(c.env, (stub) => stub.verifyAudit())
  if (chain === WEBHOOKS) return callWebhooks(c.env, (stub) => stub.verifyAudit())
  return ask(c, chain, (stub) => stub.verifyAudit())
}
