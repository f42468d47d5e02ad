// @vitest-environment happy-dom
/** Flags in React: what renders when, on a server, while it is taken over, and in a page. */
import { act, cleanup, render, screen } from '@testing-library/react'
import { StrictMode, Suspense } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { TurnoutProvider, useFlag, useFlagDetails, useFlags } from '../../../sdk/react.tsx'
import {
  type Bootstrap,
  createRemoteClient,
  type RemoteClient,
  type RemoteOptions,
} from '../../../sdk/remote.ts'
import { edge } from '../page.ts'

const flag = (key: string, value: unknown) => ({ key, value, variant: 'v', reason: 'STATIC' })
const FLAGS = [flag('banner', true), flag('title', 'Shop'), flag('theme', { dark: true })]
const respond = (flags: readonly unknown[], etag: string) => () =>
  Response.json({ flags, metadata: { state: etag } }, { headers: { etag } })
const answer = respond(FLAGS, '"1"')
const renamed = respond([FLAGS[0], flag('title', 'Store'), FLAGS[2]], '"2"')
const gone = () => Promise.reject(new Error('refused'))

function start(options: Partial<RemoteOptions>): RemoteClient {
  const client = createRemoteClient({
    url: 'https://edge.example.com',
    storage: null,
    stream: false,
    bootstrap: null,
    ...options,
  })
  onTestFinished(() => client.close())
  return client
}

/** How often each component has rendered. */
let renders: Record<string, number>
const rendered = (name: string) => {
  renders[name] = (renders[name] ?? 0) + 1
}

function Banner() {
  rendered('banner')
  return <p id="banner">{useFlag('banner', false) ? 'banner' : 'no banner'}</p>
}
function Title() {
  rendered('title')
  return <h1 id="title">{useFlag('title', 'untitled')}</h1>
}
function Theme() {
  rendered('theme')
  const { value, reason, variant } = useFlagDetails('theme', { dark: false })
  return <i id="theme">{`${value.dark ? 'dark' : 'light'} ${variant} ${reason}`}</i>
}
function Page() {
  rendered('page')
  return (
    <>
      <Banner />
      <Title />
      <Theme />
    </>
  )
}
const text = (id: string) => document.getElementById(id)?.textContent

let errors: unknown[][]
beforeEach(() => {
  renders = {}
  errors = []
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.spyOn(console, 'error').mockImplementation((...words) => {
    errors.push(words)
  })
})
afterEach(() => {
  cleanup()
  document.body.innerHTML = ''
  vi.restoreAllMocks()
})

describe('a page', () => {
  it('shows defaults until the answers are in, then the answers', async () => {
    const client = start({ fetch: edge(answer).fetch })
    render(<Page />, {
      wrapper: ({ children }) => <TurnoutProvider client={client}>{children}</TurnoutProvider>,
    })
    expect([text('banner'), text('title'), text('theme')]).toStrictEqual([
      'no banner',
      'untitled',
      'light undefined ERROR',
    ])
    await act(() => client.ready)
    expect([text('banner'), text('title'), text('theme')]).toStrictEqual(['banner', 'Shop', 'dark v STATIC'])
    expect(renders).toStrictEqual({ page: 1, banner: 2, title: 2, theme: 2 })
  })

  it('renders only what shows the flag that changed', async () => {
    const client = start({ fetch: edge(answer, renamed, renamed).fetch })
    await client.ready
    render(
      <TurnoutProvider client={client}>
        <Page />
      </TurnoutProvider>,
    )
    await act(() => client.refresh())
    expect(text('title')).toBe('Store')
    expect(renders).toStrictEqual({ page: 1, banner: 1, title: 2, theme: 1 })
    await act(() => client.refresh())
    expect(renders).toStrictEqual({ page: 1, banner: 1, title: 2, theme: 1 })
  })

  it('renders nothing anew while the edge is away, but for what shows the reason', async () => {
    const client = start({ fetch: edge(answer, gone, answer).fetch })
    await client.ready
    render(
      <TurnoutProvider client={client}>
        <Page />
      </TurnoutProvider>,
    )
    await act(() => client.refresh())
    expect(text('theme')).toBe('dark v STALE')
    await act(() => client.refresh())
    expect(text('theme')).toBe('dark v STATIC')
    expect(renders).toStrictEqual({ page: 1, banner: 1, title: 1, theme: 3 })
  })

  it('gives the same object as long as it says the same', async () => {
    const seen = new Set<object>()
    const Reader = ({ label }: { label: string }) => {
      seen.add(useFlag('theme', { dark: false }))
      seen.add(useFlag('absent', { of: 'each render' }))
      return <b>{label}</b>
    }
    const client = start({ fetch: edge(answer, renamed).fetch })
    await client.ready
    const tree = (label: string) => (
      <TurnoutProvider client={client}>
        <Reader label={label} />
      </TurnoutProvider>
    )
    const { rerender } = render(tree('one'))
    await act(() => client.refresh())
    rerender(tree('two'))
    expect(seen.size).toBe(2)
  })

  it('follows the key and the default that it is given', async () => {
    const client = start({ fetch: edge(answer, renamed).fetch })
    await client.ready
    const Reader = ({ of, otherwise }: { of: string; otherwise: string }) => <b>{useFlag(of, otherwise)}</b>
    const tree = (of: string, otherwise: string) => (
      <TurnoutProvider client={client}>
        <Reader of={of} otherwise={otherwise} />
      </TurnoutProvider>
    )
    const { rerender, container } = render(tree('absent', 'none'))
    expect(container.textContent).toBe('none')
    rerender(tree('absent', 'nothing'))
    expect(container.textContent).toBe('nothing')
    rerender(tree('title', 'none'))
    expect(container.textContent).toBe('Shop')
    await act(() => client.refresh())
    expect(container.textContent).toBe('Store')
  })

  it('stops to listen when it is taken away, in strict mode too', async () => {
    const client = start({ fetch: edge(answer, renamed).fetch })
    let listening = 0
    const counted: RemoteClient = {
      ...client,
      on(event, listener) {
        const stop = client.on(event, listener)
        listening += 1
        return () => {
          listening -= 1
          stop()
        }
      },
    }
    await client.ready
    const { unmount } = render(
      <StrictMode>
        <TurnoutProvider client={counted}>
          <Page />
        </TurnoutProvider>
      </StrictMode>,
    )
    expect(listening).toBe(9)
    unmount()
    expect(listening).toBe(0)
    expect(errors).toStrictEqual([])
  })

  it('gives the client to those who want more', async () => {
    const client = start({ fetch: edge(answer).fetch })
    const Reader = () => <b>{useFlags() === client ? 'the client' : 'another'}</b>
    render(
      <TurnoutProvider client={client}>
        <Reader />
      </TurnoutProvider>,
    )
    expect(screen.getByText('the client')).toBeTruthy()
    await client.ready
  })

  it('says so where there is no provider', () => {
    expect(() => render(<Banner />)).toThrow('outside of a <TurnoutProvider')
  })
})

describe('suspense', () => {
  it('is waited in for the first answers where the provider says so, and no default is shown', async () => {
    const pending = Promise.withResolvers<Response>()
    const client = start({ fetch: edge(() => pending.promise).fetch })
    const shown: (string | null | undefined)[] = []
    await act(async () => {
      render(
        <TurnoutProvider client={client} suspend>
          <Suspense fallback={<p id="waiting">waiting</p>}>
            <Page />
          </Suspense>
        </TurnoutProvider>,
      )
    })
    shown.push(text('waiting'), text('title'))
    await act(async () => {
      pending.resolve(answer())
      await client.ready
    })
    shown.push(text('waiting'), text('title'))
    expect(shown).toStrictEqual(['waiting', undefined, undefined, 'Shop'])
  })

  it('is no matter where the answers are there: not on a server, not while a page is taken over', async () => {
    const bootstrap = { flags: FLAGS, etag: '"1"' } as unknown as Bootstrap
    const tree = (client: RemoteClient) => (
      <TurnoutProvider client={client} suspend>
        <Suspense fallback={<p id="waiting">waiting</p>}>
          <Title />
        </Suspense>
      </TurnoutProvider>
    )
    const html = renderToString(tree(start({ bootstrap })))
    expect(html).toContain('<h1 id="title">Shop</h1>')
    expect(html).not.toContain('waiting')
    document.body.innerHTML = `<div id="root">${html}</div>`
    const root = document.getElementById('root')!
    const recovered: unknown[] = []
    const mounted = await act(async () =>
      hydrateRoot(root, tree(start({ bootstrap })), { onRecoverableError: (cause) => recovered.push(cause) }),
    )
    expect([root.innerHTML, recovered, errors]).toStrictEqual([html, [], []])
    await act(() => mounted.unmount())
  })

  it('ends where no answers can be had: defaults are shown', async () => {
    const client = start({ fetch: edge(gone).fetch })
    await act(async () => {
      render(
        <TurnoutProvider client={client} suspend>
          <Suspense fallback="waiting">
            <Page />
          </Suspense>
        </TurnoutProvider>,
      )
      await client.ready
    })
    expect(text('title')).toBe('untitled')
  })
})

describe('what a server has rendered', () => {
  const bootstrap = { flags: FLAGS, etag: '"1"', metadata: { state: '7-1-0' } } as unknown as Bootstrap

  /** A page with the server's text in it, and what the edge put there. */
  function served(element: boolean): HTMLElement {
    const onServer = start({ bootstrap, fetch: edge(answer).fetch })
    const html = renderToString(
      <TurnoutProvider client={onServer}>
        <Page />
      </TurnoutProvider>,
    )
    expect(html).toContain('<h1 id="title">Shop</h1>')
    expect(html).toContain('dark v STATIC')
    renders = {}
    const script = `<script type="application/json" id="turnout-flags">${JSON.stringify(bootstrap)}</script>`
    document.body.innerHTML = `${element ? script : ''}<div id="root">${html}</div>`
    return document.getElementById('root')!
  }

  const recovered: unknown[] = []
  const hydrate = (root: HTMLElement, client: RemoteClient, given?: Bootstrap) =>
    act(async () => {
      const mounted = hydrateRoot(
        root,
        <TurnoutProvider client={client} {...(given && { bootstrap: given })}>
          <Page />
        </TurnoutProvider>,
        { onRecoverableError: (cause) => recovered.push(cause) },
      )
      onTestFinished(() => act(() => mounted.unmount()))
    })

  it('is taken over as it is, without a request and with one render each', async () => {
    const root = served(true)
    const before = root.innerHTML
    const { asked, fetch } = edge(answer)
    // What the page has in it.
    const client = start({ fetch, bootstrap: undefined as never })
    await hydrate(root, client)
    expect(root.innerHTML).toBe(before)
    expect(renders).toStrictEqual({ page: 1, banner: 1, title: 1, theme: 1 })
    expect([recovered, errors, asked]).toStrictEqual([[], [], []])
  })

  it.each([
    ['in the page', true],
    ['handed over', false],
  ])(
    'is taken over without a mismatch although a flag has changed meanwhile, with answers %s',
    async (_, element) => {
      const root = served(element)
      const client = start({ bootstrap, fetch: edge(renamed).fetch })
      await client.refresh()
      expect(client.string('title', '')).toBe('Store')
      await hydrate(root, client, element ? undefined : bootstrap)
      expect([recovered, errors]).toStrictEqual([[], []])
      expect(text('title')).toBe('Store')
      expect(renders).toMatchObject({ banner: 1, title: 2 })
    },
  )

  it('is no worse for garbage in the page', async () => {
    const root = served(true)
    document.getElementById('turnout-flags')!.textContent = '{"flags":3'
    await hydrate(root, start({ bootstrap, fetch: edge(answer).fetch }))
    expect(text('title')).toBe('Shop')
    expect([recovered, errors]).toStrictEqual([[], []])
  })
})
