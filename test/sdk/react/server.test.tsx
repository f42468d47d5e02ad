/** Flags in React where there is no page: on a server, in Node. */
import { Suspense } from 'react'
import { renderToReadableStream, renderToString } from 'react-dom/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TurnoutProvider, useFlag } from '../../../sdk/react.tsx'
import { createRemoteClient, type RemoteClient, type RemoteOptions } from '../../../sdk/remote.ts'
import { fromRequest } from '../../../sdk/request.ts'
import { edge } from '../page.ts'

const FLAGS = [{ key: 'title', value: 'Shop', variant: 'a', reason: 'STATIC' }]

function start(options: Partial<RemoteOptions>): RemoteClient {
  const client = createRemoteClient({ url: 'https://edge.example.com', ...options })
  onTestFinished(() => client.close())
  return client
}

const Title = () => <h1>{useFlag('title', 'untitled')}</h1>

describe('a server', () => {
  it('that streams waits for the first answers where the provider says so', async () => {
    const { fetch } = edge(() => Response.json({ flags: FLAGS }))
    const stream = await renderToReadableStream(
      <TurnoutProvider client={start({ fetch })} suspend>
        <Suspense fallback="waiting">
          <Title />
        </Suspense>
      </TurnoutProvider>,
    )
    await stream.allReady
    expect(await new Response(stream).text()).toContain('<h1>Shop</h1>')
  })

  it('renders defaults, and does not fail, for a request that did not come through the edge', async () => {
    const client = await fromRequest(new Request('https://shop.example.com/'), 'a key')
    const html = renderToString(
      <TurnoutProvider client={client}>
        <Title />
      </TurnoutProvider>,
    )
    expect(html).toBe('<h1>untitled</h1>')
  })
})
