/** What flags would be after a change, as one hash: whether a planned change still makes of them what was approved. Pure. */
import type { Document } from '../document.ts'
import { withDependencies } from '../governance/dependencies.ts'
import { textOf } from '../governance/same-json.ts'
import { contentHash } from '../storage/content-hash.ts'

/** Of these flags in a document that compiles, and of all that decides their answers with them. */
export function outcomeOf(document: Document, flags: Iterable<string>): string {
  const parts = withDependencies(
    document,
    [...flags].map((key) => ({ kind: 'flag', key })),
  )
  const texts = parts.map(({ kind, key }) => {
    const map: Readonly<Record<string, unknown>> = kind === 'flag' ? document.flags : document.segments
    return textOf([kind, key, Object.hasOwn(map, key) ? map[key] : null])
  })
  return contentHash(texts.sort().join('\n'))
}
