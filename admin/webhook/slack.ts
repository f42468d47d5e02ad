/**
 * A message for Slack's incoming webhooks, and for those that take the same (Mattermost, Rocket.Chat):
 * they show `text`, Slack shows `blocks`. Whatever people wrote is shown as text: it can neither mention nor link. Pure.
 * Source: https://docs.slack.dev/messaging/formatting-message-text#escaping, https://docs.slack.dev/reference/block-kit/blocks
 */
import { type AuditEvent, placeOf, summaryOf, titleOf } from './event.ts'

/** Slack's limits, in characters. */
const MAX_HEADER = 150
const MAX_FIELD = 2_000
const MAX_TEXT = 3_000

export function slackMessage(event: AuditEvent) {
  const { environment, actor, reason, at, version, kills } = event
  const fields = [
    ['Environment', placeOf(environment)],
    ['By', actor],
    ['At', at],
    ...(version === null ? [] : [['Version', String(version)]]),
    ...(kills === null ? [] : [['Kill list', String(kills)]]),
  ] as [string, string][]
  return {
    text: escapeText(summaryOf(event), MAX_TEXT),
    blocks: [
      { type: 'header', text: plain(titleOf(event), MAX_HEADER) },
      ...(reason === null ? [] : [{ type: 'section', text: plain(reason, MAX_TEXT) }]),
      { type: 'section', fields: fields.map(([name, value]) => plain(`${name}: ${value}`, MAX_FIELD)) },
    ],
  }
}

const plain = (text: string, max: number) => ({
  type: 'plain_text',
  text: escapeText(text, max),
  emoji: false,
})

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Escapes the three characters that Slack reads, and cuts the result so that no character or entity is torn. */
export function escapeText(text: string, max: number): string {
  let escaped = ''
  for (const char of text) {
    const next = ENTITIES[char] ?? char
    if (escaped.length + next.length > max - 1) return `${escaped}…`
    escaped += next
  }
  return escaped
}
