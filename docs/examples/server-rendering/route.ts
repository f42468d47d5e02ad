/** Puts the example behind the edge of a local run: a route before all others, whose pages bring their answers along. */

const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'

/** `url`: of the example's server. Throws what the control plane has against it. */
export async function putBehindEdge(adminUrl: string, token: string, url: string): Promise<void> {
  const address = `${adminUrl}/api/v1/environments/dev/document`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const current = await fetch(address, { headers })
  const document = (await current.json()) as { routes?: { id: string }[] }
  const origin = { url, context: true }
  const route = {
    id: 'rendered',
    match: { path: '/rendered*' },
    flag: FLAG,
    origins: { off: origin, on: origin },
    fallback: 'off',
    bootstrap: true,
  }
  const routes = [route, ...(document.routes ?? []).filter(({ id }) => id !== route.id)]
  const answer = await fetch(address, {
    method: 'PUT',
    headers: { ...headers, 'if-match': current.headers.get('etag') ?? '' },
    body: JSON.stringify({ ...document, routes }),
  })
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}: ${await answer.text()}`)
}
