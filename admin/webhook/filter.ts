/** Which events a webhook hears of: patterns with `*` for any characters, none included. Pure; linear in both lengths. */
import type { WebhookSettings } from './definition.ts'
import type { AuditEvent } from './event.ts'

/** What belongs to no environment is matched as an empty name: only `*` lets it through. */
export const hears = (
  { enabled, events, environments }: WebhookSettings,
  { action, environment }: Pick<AuditEvent, 'action' | 'environment'>,
): boolean =>
  enabled &&
  events.some((pattern) => matches(pattern, action)) &&
  environments.some((pattern) => matches(pattern, environment ?? ''))

/** Between its stars a pattern's parts are found in order, each as early as possible. */
export function matches(pattern: string, text: string): boolean {
  const [first, ...rest] = pattern.split('*') as [string, ...string[]]
  const last = rest.pop()
  if (last === undefined) return pattern === text
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
