/** From what an operator writes to a webhook: defaults, and everything that is wrong, at once. Pure. */
import { type CompileIssue, err, ok, type Result } from '../../engine/index.ts'
import {
  type Credentials,
  defaultEvents,
  type Format,
  PAGERDUTY_URL,
  type Webhook,
  type WebhookSettings,
} from './definition.ts'
import { hostOf, targetProblem } from './target.ts'

/** What an operator writes to make one. */
export interface WebhookDraft extends Partial<WebhookSettings>, Destination {
  readonly name: string
  readonly format: Format
}

/** What an operator may write to change one. */
export type WebhookChange = Partial<WebhookSettings> & Destination

interface Destination {
  readonly url?: string
  readonly routingKey?: string
}

interface Definition {
  readonly webhook: Webhook
  readonly credentials: Credentials
}

/** `id`: unique. `local`: this is a local run. */
export function newWebhook(
  draft: WebhookDraft,
  {
    id,
    secret,
    local,
    actor,
    nowMs,
  }: { id: string; secret: string; local: boolean; actor: string; nowMs: number },
): Result<Definition, CompileIssue[]> {
  const { name, format, events = defaultEvents(format), environments = ['*'], enabled = true } = draft
  const destination = destinationOf(format, null, draft, local)
  if (!destination.ok) return destination
  const { url } = destination.value
  return ok({
    webhook: {
      id,
      name,
      format,
      events,
      environments,
      enabled,
      host: hostOf(url),
      disabledReason: null,
      failing: false,
      pausedUntilMs: 0,
      previousSecretUntilMs: null,
      createdAtMs: nowMs,
      createdBy: actor,
    },
    credentials: { ...destination.value, secret, previous: null },
  })
}

/** A change of where it goes, or of whether it is enabled, starts afresh: it counts as neither failing nor disabled by itself. */
export function changedWebhook(
  webhook: Webhook,
  credentials: Credentials,
  change: WebhookChange,
  local: boolean,
): Result<Definition, CompileIssue[]> {
  const { url, routingKey: _, ...settings } = change
  const destination = destinationOf(webhook.format, credentials, change, local)
  if (!destination.ok) return destination
  const isAfresh = url !== undefined || settings.enabled !== undefined
  return ok({
    webhook: {
      ...webhook,
      ...settings,
      host: hostOf(destination.value.url),
      ...(isAfresh ? { disabledReason: null, failing: false, pausedUntilMs: 0 } : {}),
    },
    credentials: { ...credentials, ...destination.value },
  })
}

function destinationOf(
  format: Format,
  before: Credentials | null,
  given: Destination,
  local: boolean,
): Result<Pick<Credentials, 'url' | 'routingKey'>, CompileIssue[]> {
  const url = given.url ?? before?.url ?? (format === 'pagerduty' ? PAGERDUTY_URL : undefined)
  const routingKey = given.routingKey ?? before?.routingKey ?? null
  const urlProblem = url === undefined ? 'is required' : targetProblem(url, local)
  const keyProblem = routingKeyProblem(format, routingKey)
  if (url !== undefined && urlProblem === null && keyProblem === null) return ok({ url, routingKey })
  return err([
    ...(urlProblem === null ? [] : [{ path: '$.url', message: urlProblem }]),
    ...(keyProblem === null ? [] : [{ path: '$.routingKey', message: keyProblem }]),
  ])
}

function routingKeyProblem(format: Format, routingKey: string | null): string | null {
  if (format === 'pagerduty') return routingKey === null ? 'is required for the format pagerduty' : null
  return routingKey === null ? null : `is for the format pagerduty only; this is ${format}`
}
