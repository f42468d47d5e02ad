/** Renders pages behind the edge, with the answers that came with each request: no call and no evaluation of its own. */
import { flagsOfRequest } from '@turnout/sdk/middleware'
import { TurnoutProvider } from '@turnout/sdk/react'
import type { OriginKeys, RequestClient } from '@turnout/sdk/request'
import { Hono } from 'hono'
import { renderToString } from 'react-dom/server'
import { Page } from './page.tsx'

const POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"

/** `script`: the bundle of browser.tsx. */
export function makeServer(keys: OriginKeys, script: string) {
  const app = new Hono<{ Variables: { flags: RequestClient } }>()
  app.use(flagsOfRequest(() => keys))
  app.get('/rendered/browser.js', (c) => c.body(script, 200, { 'content-type': 'text/javascript' }))
  app.get('/rendered', (c) => {
    const flags = c.get('flags')
    if (flags.error) console.warn(`rendered with defaults: ${flags.error.message}`)
    const page = renderToString(
      <TurnoutProvider client={flags}>
        <Page />
      </TurnoutProvider>,
    )
    return c.html(
      `<!doctype html>
<html lang="en">
<head><title>Rendered on a server</title><link rel="icon" href="data:,"><script type="module" src="/rendered/browser.js"></script></head>
<body><div id="root">${page}</div></body>
</html>`,
      200,
      { 'content-security-policy': POLICY },
    )
  })
  return app
}
