/** Where a path goes at an origin: prefix taken off, prefix put on. Prepared once a route. Pure. */
import type { Route } from '../engine/index.ts'

export function rewriter(rewrite: Route['rewrite']): (path: string) => string {
  if (rewrite === undefined) return (path) => path
  const strip = withoutTrailingSlashes(rewrite.stripPrefix ?? '')
  const add = withoutTrailingSlashes(rewrite.addPrefix ?? '')
  return (path) => {
    const within = strip !== '' && (path === strip || path.startsWith(`${strip}/`))
    const rest = within ? path.slice(strip.length) : path
    return add + (rest.startsWith('/') ? rest : `/${rest}`)
  }
}

export function withoutTrailingSlashes(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}
