/**
 * What the edge says in its log, as JSON lines, never with a secret in it. `warn`: it heals itself, but a person will look
 * for it. `error`: a person must act. The same thing is said at most once in ten seconds an isolate, with how often it
 * happened, so that an outage does not drown its own cause. Every event: docs/operations.md, "What the Workers log".
 */

type Fields = Readonly<Record<string, string | number | boolean | null>>

const PAUSE_MS = 10_000
const REMEMBERED = 1_000

const said = new Map<string, { atMs: number; since: number }>()

export function logWarn(event: string, fields: Fields): void {
  say('warn', event, fields)
}

/** `thrown`: told as `cause`, with its stack where it has one. */
export function logError(event: string, thrown: unknown): void {
  const { message, stack = null } = thrown instanceof Error ? thrown : { message: String(thrown) }
  say('error', event, { cause: message, stack })
}

function say(level: 'warn' | 'error', event: string, fields: Fields): void {
  const key = `${event} ${Object.values(fields).join(' ')}`
  const nowMs = Date.now()
  const before = said.get(key)
  if (before && nowMs >= before.atMs && nowMs - before.atMs < PAUSE_MS) {
    before.since += 1
    return
  }
  if (said.size >= REMEMBERED) said.clear()
  said.set(key, { atMs: nowMs, since: 0 })
  console[level](
    JSON.stringify({ level, event, ...fields, ...(before?.since && { repeated: before.since }) }),
  )
}
