/** RFC 3339 timestamps to milliseconds since 1970. Pure: reads no clock. */

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** `null` if the text is not a date-time that exists. Leap seconds are not dates here. */
export function parseTime(text: string): number | null {
  const upper = text.toUpperCase()
  const parts = RFC3339.exec(upper)
  if (!parts) return null
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number]
  // Dates that do not exist would roll over: the 30th of February is the 2nd of March to a Date.
  const exists = new Date(Date.UTC(2000 + (year % 400), month - 1, day))
  return exists.getUTCMonth() === month - 1 && exists.getUTCDate() === day ? Date.parse(upper) : null
}
