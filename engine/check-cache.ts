/** Publish checks of what a route says of caches. Pure. */
import { type Check, child, isObject, type Path } from './check.ts'
import { SPLIT_PAGES } from './document.ts'

const MAX_TTL_SECONDS = 31_536_000

/** `origins`: of the route. */
export function checkCache(check: Check, path: Path, value: unknown, origins: unknown): void {
  const isValid = check.fields(path, value, {
    store: (at, flag) => check.boolean(at, flag),
    ttlSeconds: (at, seconds) => check.integer(at, seconds, 1, MAX_TTL_SECONDS),
    html: (at, pages) => check.oneOf(at, pages, SPLIT_PAGES),
    crossArmAssets: (at, flag) => check.boolean(at, flag),
  })
  if (!isValid) return
  const { store, ttlSeconds } = value
  if (store !== true) {
    if (ttlSeconds !== undefined)
      check.error(child(path, 'ttlSeconds'), 'means nothing without "store": true')
    return
  }
  for (const [name, origin] of Object.entries(isObject(origins) ? origins : {}))
    if (isObject(origin) && origin.context === true)
      check.error(
        child(path, 'store'),
        `origin ${name} is told who asks ("context": true): what it answers is one visitor's, and cannot be stored`,
      )
}
