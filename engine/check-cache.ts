/** Publish checks of what a route says of caches. Pure. */
import type { Check, Path } from './check.ts'
import { SPLIT_PAGES } from './document.ts'

export function checkCache(check: Check, path: Path, value: unknown): void {
  check.fields(path, value, {
    html: (at, pages) => check.oneOf(at, pages, SPLIT_PAGES),
    crossArmAssets: (at, flag) => check.boolean(at, flag),
  })
}
