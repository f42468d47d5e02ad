/** Route matching: ordered, first match wins, prepared once a snapshot. Pure. Source: docs/traffic.md, "Routes". */
import type { Route, RouteMatch } from './document.ts'
import { glob } from './glob.ts'

/** What a route is matched on. `path`: the normalised path without query; `header` gives `null` for an absent header. */
export interface RoutedRequest {
  /** As the client sent it, with a port if there was one. */
  readonly host: string
  readonly path: string
  readonly method: string
  header(name: string): string | null
}

type Matcher = (request: RoutedRequest) => boolean

/** A matcher over an ordered list; the index of the first route that matches, or -1. */
export function routeMatcher(routes: readonly Route[]): (request: RoutedRequest) => number {
  const matchers = routes.map(({ match }) => matcher(match))
  return (request) => {
    for (let at = 0; at < matchers.length; at += 1) if (matchers[at]!(request)) return at
    return -1
  }
}

function matcher({ host, path, methods, headers }: RouteMatch): Matcher {
  const tests: Matcher[] = []
  if (path !== undefined && path !== '*' && path !== '/*') {
    const test = pathTest(path)
    tests.push((request) => test(request.path))
  }
  if (host !== undefined) {
    const test = glob(host.toLowerCase())
    const withPort = host.includes(':')
    tests.push((request) => test(hostOf(request.host, withPort)))
  }
  if (methods !== undefined) tests.push((request) => methods.includes(request.method))
  for (const [name, wanted] of Object.entries(headers ?? {})) {
    const test = typeof wanted === 'string' ? (value: string) => value === wanted : glob(wanted.glob)
    tests.push((request) => {
      const value = request.header(name)
      return value !== null && test(value)
    })
  }
  const [only] = tests
  if (only === undefined) return () => true
  return tests.length === 1 ? only : (request) => tests.every((test) => test(request))
}

/** Most ask for a place and all below it, which is one comparison. */
function pathTest(pattern: string): (path: string) => boolean {
  const start = pattern.slice(0, -1)
  return pattern.endsWith('*') && !/[*?]/.test(start) ? (path) => path.startsWith(start) : glob(pattern)
}

/** Host names compare in lower case, and without the port unless the route names one. */
function hostOf(host: string, withPort: boolean): string {
  const lower = host.toLowerCase()
  return withPort ? lower : lower.replace(/:\d+$/, '')
}
