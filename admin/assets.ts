/**
 * Files that the control plane serves to browsers, from the binding `ASSETS`: Cloudflare's static assets, or a folder on
 * workerd's disk service. Both answer a GET by path; the rest, content type and caching, is said here, so that they agree.
 */
import type { ApiContext } from './api/context.ts'
import { Problem } from './api/problem.ts'

/** Any will do: the binding looks at the path alone. */
const ORIGIN = 'https://assets.invalid'

/** Answers with the file, as one that browsers keep and ask about each time they use it. `path` is never from outside. */
export async function serveAsset(c: ApiContext, path: `/${string}`, contentType: string): Promise<Response> {
  const held = c.req.header('if-none-match')
  const request = new Request(
    `${ORIGIN}${path}`,
    held === undefined ? {} : { headers: { 'if-none-match': held } },
  )
  const file = await c.env.ASSETS.fetch(request)
  if (file.status !== 200 && file.status !== 304) {
    await file.body?.cancel()
    throw new Problem(
      'not-found',
      `The file ${path} is not part of this deployment: build the control plane again.`,
    )
  }
  c.header('cache-control', 'no-cache')
  for (const name of ['etag', 'last-modified']) {
    const value = file.headers.get(name)
    if (value !== null) c.header(name, value)
  }
  if (file.status === 304) return c.body(null, 304)
  return c.body(file.body ?? '', 200, { 'content-type': contentType })
}
