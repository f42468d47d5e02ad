/** Times as the API tells them: RFC 3339, in UTC. */

/** `ms` since 1970. */
export const timeOf = (ms: number): string => new Date(ms).toISOString()
export const timeOrNull = (ms: number | null): string | null => (ms === null ? null : timeOf(ms))
