/**
 * Assets of a page that came from another variant: one that the visitor's own variant has not is asked for once at another, so
 * that no page breaks because the split moved while it was open. Source: docs/traffic.md, "Caches".
 */
import { attempt } from './attempt.ts'
import type { Destination } from './destination.ts'
import { forwarded } from './forward.ts'
import type { Chooser } from './pool.ts'
import type { PreparedRoute } from './routes.ts'
import { type Answered, type FirstTry, MIN_LEFT_MS } from './second-try.ts'

/** A name, a separator, something like a hash, words that bundlers add, and an ending of what pages load. */
const FINGERPRINTED =
  /[._-]([\w-]{8,}?)(?:\.(?:chunk|bundle|min|module|legacy|modern))*\.(?:(?:m?js|css)(?:\.map)?|wasm|json|svg|png|jpe?g|gif|webp|avif|ico|woff2?|ttf|otf|eot|mp4|webm)$/
/** A longer name is not looked through. */
const MAX_NAME = 160
/** Tries are at most this share of the arm's requests in ten seconds, and always so many. */
const SHARE = 0.5
const LEAST = 50

/** Whether the last part of a path has a hash in it: eight characters or more, of which one is a digit or a capital. */
export function isFingerprinted(path: string): boolean {
  const name = path.slice(Math.max(path.lastIndexOf('/') + 1, path.length - MAX_NAME))
  const hash = FINGERPRINTED.exec(name)?.[1]
  return hash !== undefined && /[\dA-Z]/.test(hash)
}

/** `missing`: the 404 of the origin that was asked first; passed on where no other has the asset. */
export async function orElsewhere(
  missing: Response,
  { forwarding, chosen, by }: FirstTry,
): Promise<Answered> {
  const { facts, route, decision } = forwarding
  const { to } = chosen
  const asItIs: Answered = { response: missing, served: to.variant }
  const { method } = facts.request
  if (route.assetTries === null || (method !== 'GET' && method !== 'HEAD')) return asItIs
  // A kill's variant is all that may be asked.
  if (decision.metadata.killed === true || !isFingerprinted(facts.path)) return asItIs
  const nowMs = Date.now()
  const leftMs = route.deadlineMs - (nowMs - by.nowMs)
  const other = leftMs < MIN_LEFT_MS ? null : otherArm(route, to.variant, { ...by, nowMs })
  const allowed = Math.max(LEAST, SHARE * to.budget.requests(nowMs))
  if (other === null || !route.assetTries.take(nowMs, allowed)) return asItIs
  const { response } = await attempt(
    other.upstream,
    await forwarded(other, forwarding),
    Math.min(other.to.timeoutMs, leftMs),
    Date.now(),
  )
  if (response === null || !isAsset(response)) {
    letGo(response)
    return asItIs
  }
  letGo(missing)
  return { response, served: other.to.variant }
}

/** What will not be read must not hold its connection. */
function letGo(response: Response | null): void {
  void response?.body?.cancel().catch(() => undefined)
}

/** The route's fallback, else the first of the others that is neither killed nor broken. */
function otherArm({ origins, route }: PreparedRoute, own: string, by: Chooser): Destination | null {
  for (const name of [route.fallback, ...origins.keys()]) {
    const to = name === own ? undefined : origins.get(name)
    const upstream = to?.choose(by)
    if (to && upstream) return { to, upstream }
  }
  return null
}

/** Not an error, nor the page that some servers answer everything with. */
const isAsset = ({ status, headers }: Response): boolean =>
  status < 400 && !/^\s*text\/html\b/i.test(headers.get('content-type') ?? '')
