/** JSON Patch (RFC 6902) for people: `rules.0.percentage 10 → 25`. Pure. */
import { show } from '../engine/check.ts'

/** As the API gives it: a `test` before each operation says what was there. */
export interface Operation {
  readonly op: string
  readonly path: string
  readonly value?: unknown
  readonly from?: string
}

export function patchLines(patch: readonly Operation[]): string[] {
  const before = new Map<string, unknown>()
  return patch.flatMap(({ op, path, value, from }) => {
    const name = nameOf(path)
    const old = before.has(path) ? `${show(before.get(path))} ` : ''
    switch (op) {
      case 'test':
        before.set(path, value)
        return []
      case 'add':
        return `${name} ${show(value)} added`
      case 'remove':
        return `${name} ${old}removed`
      case 'replace':
        return `${name} ${old}→ ${show(value)}`
      default:
        return `${name} ${op}${from === undefined ? '' : ` from ${nameOf(from)}`}`
    }
  })
}

/** `/rules/0/percentage` → `rules.0.percentage`; the whole value is `all of it`. */
const nameOf = (pointer: string): string =>
  pointer === ''
    ? 'all of it'
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
        .join('.')
