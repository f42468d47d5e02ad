/**
 * What webhooks are told of the health of addresses: each turn for the worse, and its end, once. No audit entry: nobody has
 * changed anything. Pure; times are passed in, ms since 1970.
 */
import { system } from '../settings.ts'
import { contentHash } from '../storage/content-hash.ts'
import type { HeldCheck } from '../storage/health.ts'
import type { AuditEvent } from '../webhook/event.ts'

/** `unchecked`: it was unhealthy, and no route asks for it any more. */
export interface Turn {
  readonly name: string
  readonly to: 'unhealthy' | 'healthy' | 'unchecked'
  /** The check that told; `null`: there is none. */
  readonly by: HeldCheck | null
}

/** `ailing`: addresses whose last turn that was told was for the worse. One that is not known again yet has not turned. */
export function turnsOf(ailing: ReadonlySet<string>, checks: Iterable<HeldCheck>): Turn[] {
  const turns: Turn[] = []
  const checked = new Set<string>()
  for (const by of checks)
    for (const name of by.check.names) {
      checked.add(name)
      const to = by.health.status
      if (to === (ailing.has(name) ? 'healthy' : 'unhealthy')) turns.push({ name, to, by })
    }
  for (const name of ailing) if (!checked.has(name)) turns.push({ name, to: 'unchecked', by: null })
  return turns
}

/** Of the addresses that are ailing, those that still are after some turns. */
export function ailingAfter(ailing: ReadonlySet<string>, turns: readonly Turn[]): Set<string> {
  const after = new Set(ailing)
  for (const { name, to } of turns) {
    if (to === 'unhealthy') after.add(name)
    else after.delete(name)
  }
  return after
}

/** In the form of an audit entry, of which webhooks tell otherwise; its number is 0, as it is in no log. */
export function eventOf({ name, to, by }: Turn, environment: string, nowMs: number): AuditEvent {
  const action = `origin.${to}`
  const at = new Date(nowMs).toISOString()
  const url = by === null ? null : `${by.check.url}${by.check.settings.path}`
  return {
    ...{ seq: 0, at, environment, action, subject: `origin:${name}` },
    ...system(to === 'unchecked' ? 'no route asks for its health any more' : (by?.last?.problem ?? null)),
    ...{ version: null, kills: null, changes: [], changeCount: 0 },
    details: { url, status: by?.last?.status ?? null },
    previousHash: contentHash(''),
    hash: contentHash(JSON.stringify([environment, action, name, nowMs])),
  }
}
