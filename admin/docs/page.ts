/** `/docs`: the OpenAPI document as a page, by Swagger UI. Its files are our own assets; nothing comes from elsewhere. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiEnv } from '../api/context.ts'
import { nothingAt } from '../api/unrouted.ts'
import { serveAsset } from '../assets.ts'

/** Name → content type of what local/assets.ts puts into the folder `docs`. */
const FILES = new Map([
  ['docs.css', 'text/css; charset=utf-8'],
  ['docs.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
])

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Turnout admin API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
<main id="docs"><noscript>This page needs JavaScript; <a href="/openapi.json">/openapi.json</a> does not.</noscript></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/docs.js"></script>
</body>
</html>
`

/** Own files and calls of this API only; the images are drawn in Swagger UI's style sheet. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

export function docs(app: OpenAPIHono<ApiEnv>): void {
  app.get('/docs', (c) => {
    c.header('content-security-policy', POLICY)
    return c.html(PAGE)
  })
  app.get('/docs/', (c) => c.redirect('/docs', 301))
  app.get('/docs/:file', (c) => {
    const name = c.req.param('file')
    const contentType = FILES.get(name)
    if (contentType === undefined) throw nothingAt(c.req.path)
    return serveAsset(c, `/docs/${name}`, contentType)
  })
}
