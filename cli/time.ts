/** Times for people: always UTC, and always said so. Pure. */

/** `2026-11-21T10:00:05.123Z` → `2026-11-21 10:00:05Z` */
export const moment = (rfc3339: string): string =>
  new Date(rfc3339).toISOString().replace('T', ' ').replace(/\.\d+/, '')

/** `850 ms`, `1.2 s`, `45 s` */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`
}
