/**
 * What the edge says in its log, as JSON lines: things that heal themselves but that a person will look for. The same thing is
 * said at most once in ten seconds an isolate, with how often it happened, so that an outage does not drown its own cause.
 */

const PAUSE_MS = 10_000
const REMEMBERED = 1_000

const said = new Map<string, { atMs: number; since: number }>()

export function logWarn(
  event: string,
  fields: Readonly<Record<string, string | number | boolean | null>>,
): void {
  const key = `${event} ${Object.values(fields).join(' ')}`
  const nowMs = Date.now()
  const before = said.get(key)
  if (before && nowMs >= before.atMs && nowMs - before.atMs < PAUSE_MS) {
    before.since += 1
    return
  }
  if (said.size >= REMEMBERED) said.clear()
  said.set(key, { atMs: nowMs, since: 0 })
  console.warn(
    JSON.stringify({ level: 'warn', event, ...fields, ...(before?.since && { repeated: before.since }) }),
  )
}
