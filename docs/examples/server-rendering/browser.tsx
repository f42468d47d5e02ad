/** Takes over what the server has rendered, from the answers that the edge put into the page, and follows changes. */
import { TurnoutProvider } from '@turnout/sdk/react'
import { createRemoteClient } from '@turnout/sdk/remote'
import { hydrateRoot } from 'react-dom/client'
import { Page } from './page.tsx'

const client = createRemoteClient({ url: location.origin })

hydrateRoot(
  document.getElementById('root')!,
  <TurnoutProvider client={client}>
    <Page />
  </TurnoutProvider>,
)
