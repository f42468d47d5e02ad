/** What is sent of an event: one JSON text in each format. Pure. */
import type { Format } from './definition.ts'
import type { AuditEvent } from './event.ts'
import { pagerdutyMessage } from './pagerduty.ts'
import { slackMessage } from './slack.ts'

/** `routingKey`: PagerDuty's. */
export function bodyOf(event: AuditEvent, format: Format, routingKey: string | null): string {
  return JSON.stringify(BODIES[format](event, routingKey ?? ''))
}

const BODIES: Record<Format, (event: AuditEvent, routingKey: string) => unknown> = {
  // The shape that Standard Webhooks recommends.
  json: (event) => ({ type: event.action, timestamp: event.at, data: event }),
  slack: slackMessage,
  pagerduty: pagerdutyMessage,
}
