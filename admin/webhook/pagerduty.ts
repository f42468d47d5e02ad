/**
 * An event for PagerDuty's Events API v2. A kill opens an alert and its end resolves it, and so does an origin that is unhealthy;
 * other events that a webhook asks for open one each, for a person to close. Pure.
 * Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
 */
import { contentHash } from '../storage/content-hash.ts'
import { type AuditEvent, summaryOf } from './event.ts'

/** PagerDuty's limits, in characters. */
const MAX_SUMMARY = 1_024
const MAX_DEDUP_KEY = 255

/** Actions that end what another one began; both have the same subject. */
const RESOLVING: ReadonlySet<string> = new Set([
  ...['kill.lifted', 'kill.expired'],
  ...['origin.healthy', 'origin.unchecked'],
])

/** Of things that begin and end: their alerts go by the subject alone. */
const hasEnd = (action: string): boolean => action.startsWith('kill.') || action.startsWith('origin.')

type Severity = 'critical' | 'error' | 'warning' | 'info'

export function pagerdutyMessage(event: AuditEvent, routingKey: string) {
  const key = { routing_key: routingKey, dedup_key: dedupKey(event) }
  if (RESOLVING.has(event.action)) return { ...key, event_action: 'resolve' }
  const { seq, at, environment, action, subject, actor, reason, requestId, version, kills, hash } = event
  return {
    ...key,
    event_action: 'trigger',
    client: 'Turnout',
    payload: {
      summary: cut(summaryOf(event), MAX_SUMMARY),
      source: environment ?? 'turnout',
      severity: severityOf(event),
      timestamp: at,
      component: subject,
      class: action,
      custom_details: { seq, actor, reason, requestId, version, kills, hash },
    },
  }
}

/** One for each kill and each unhealthy origin, however it ends; one for each other kind of event on a subject, however often it comes. */
function dedupKey({ environment, action, subject }: AuditEvent): string {
  const what = hasEnd(action) ? subject : `${action}:${subject}`
  const key = `turnout:${environment ?? ''}:${what}`
  return key.length <= MAX_DEDUP_KEY ? key : `turnout:${contentHash(key)}`
}

function severityOf({ action, subject }: AuditEvent): Severity {
  if (!hasEnd(action)) return 'info'
  return subject === 'kill:all-flags' || subject === 'kill:all-routes' ? 'critical' : 'error'
}

/** Not longer than `max`, and never half a character. */
const cut = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`
