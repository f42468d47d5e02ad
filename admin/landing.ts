/** The page at `/`, for a person who opens the control plane in a browser. */
import type { ApiContext } from './api/context.ts'
import { parseConfig } from './env.ts'

/** `origin` as the browser names it. The style sheet is the only one that the page's policy lets in. */
const page = (origin: string, local: boolean, nonce: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Turnout control plane</title>
<style nonce="${nonce}">
  :root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif }
  body { max-width: 42rem; margin: 4rem auto; padding: 0 1.25rem }
  h1 { font-size: 1.6rem; margin-bottom: .25rem }
  pre { padding: .9rem 1rem; border-radius: .5rem; background: #8881; white-space: pre-wrap; overflow-wrap: anywhere }
  li { margin: .3rem 0 }
  .note { opacity: .75 }
</style>
</head>
<body>
<h1>Turnout control plane</h1>
<p class="note">Feature flags and traffic splits for the edge.</p>
<p>This Worker keeps each environment's document, versions, SDK keys and kill list, and hands them to its edge.
It is operated through a JSON API under <code>/api/v1</code>.</p>
<ul>
<li><a href="/docs">/docs</a>: the whole API, to read and to try</li>
<li><a href="/openapi.json">/openapi.json</a>: the same for machines, OpenAPI 3.1</li>
<li><a href="/health/ready">/health/ready</a>: whether this control plane can answer</li>
</ul>
<h2>Authenticate</h2>
${local ? LOCAL : DEPLOYED}
<pre>curl -H "authorization: Bearer ${local ? '$(cat .turnout/admin-token)' : '$ADMIN_BOOTSTRAP_TOKEN'}" \\
  ${origin}/api/v1/environments</pre>
</body>
</html>
`

const DEPLOYED =
  '<p>Every call of the API carries the admin token, the secret <code>ADMIN_BOOTSTRAP_TOKEN</code> of this Worker:</p>'

const LOCAL = `<p>Every call of the API carries the admin token. This is a local run: its token is in the file
<code>admin-token</code> of the state folder, which <code>npm start</code> names when it starts: <code>.turnout</code> in the
project, <code>.turnout/dev</code> of <code>npm run dev</code>, or what <code>TURNOUT_STATE_DIR</code> says. If you have set
<code>TURNOUT_ADMIN_TOKEN</code>, it is that one.</p>`

export function landingPage(c: ApiContext): Response {
  const nonce = crypto.randomUUID()
  const rest = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
  c.header('content-security-policy', `default-src 'none'; style-src 'nonce-${nonce}'; ${rest}`)
  return c.html(
    page(new URL(c.req.url).origin.replaceAll('&', '&amp;'), parseConfig(c.env).local, nonce),
  ) as Response
}
