/** A webhook: what is told to whom, and in which form. Plain data. */

export const FORMATS = ['json', 'slack', 'pagerduty'] as const
export type Format = (typeof FORMATS)[number]

/** What an operator chooses. */
export interface WebhookSettings {
  /** For people. */
  readonly name: string
  /** Actions, with `*` for any characters: `kill.*`. */
  readonly events: readonly string[]
  /** Names of environments, with `*` for any characters: `*.prod`. */
  readonly environments: readonly string[]
  readonly enabled: boolean
}

/** What others may know of a webhook. Its path is no part of it: for Slack and its like the path is the key. */
export interface Webhook extends WebhookSettings {
  readonly id: string
  readonly format: Format
  /** Host of its URL, with the port if one is named. */
  readonly host: string
  /** Why the control plane itself disabled it; `null`: it did not. */
  readonly disabledReason: string | null
  /** The last attempt failed. */
  readonly failing: boolean
  /** ms since 1970: nothing is sent before, because the target asked for it. */
  readonly pausedUntilMs: number
  /** ms since 1970: until then the secret before the last rotation signs too. */
  readonly previousSecretUntilMs: number | null
  readonly createdAtMs: number
  readonly createdBy: string
}

/** What stays inside the object that sends. */
export interface Credentials {
  readonly url: string
  /** PagerDuty's integration key; `null` for other formats. */
  readonly routingKey: string | null
  /** Signs: `whsec_…`. */
  readonly secret: string
  /** Signs too, until then: the secret before the last rotation. */
  readonly previous: { readonly secret: string; readonly untilMs: number } | null
}

/** How many webhooks there may be. */
export const MAX_WEBHOOKS = 50

/** Where PagerDuty takes events, unless a webhook says otherwise. */
export const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue'

/** What a webhook hears of unless it says otherwise. An alert that nothing resolves helps nobody. */
export const defaultEvents = (format: Format): readonly string[] =>
  format === 'pagerduty' ? ['kill.*', 'origin.*'] : ['*']

/** The secrets that sign now, the current one first. */
export function signingSecrets({ secret, previous }: Credentials, nowMs: number): string[] {
  return previous !== null && nowMs < previous.untilMs ? [secret, previous.secret] : [secret]
}

/** Everything about a webhook that must not appear anywhere else; long parts of its path and query on their own too. */
export function secretsOf({ url, routingKey, secret, previous }: Credentials): string[] {
  const path = url.replace(/^https?:\/\/[^/]*/, '')
  const parts = path.split(/[/?&=]/).filter((part) => part.length >= 8)
  const texts = [url, path, ...parts, routingKey, secret, previous?.secret]
  return texts.filter((text) => typeof text === 'string' && text.length > 1) as string[]
}
