/** RFC 3339 timestamps to milliseconds since 1970. Pure: reads no clock. */

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** `null` if the text is not a date-time that exists. Leap seconds are not dates here. */
export function parseTime(text: string): number | null {
  const upper = text.length <= 64 ? text.toUpperCase() : ''
  const parts = RFC3339.exec(upper)
  if (!parts) return null
  const [month, day] = [Number(parts[2]), Number(parts[3])]
  const lastDay = new Date(Date.UTC(2000 + (Number(parts[1]) % 400), month, 0)).getUTCDate()
  return month < 1 || month > 12 || day < 1 || day > lastDay ? null : Date.parse(upper)
}
