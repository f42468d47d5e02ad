/** An origin that is a Worker, reached over a service binding: says what it was sent, or fails. */
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    if (pathname.endsWith('/broken')) return new Response('broken', { status: 503 })
    if (pathname.endsWith('/throws')) throw new Error('the shop has a bug')
    const headers = Object.fromEntries(request.headers)
    return Response.json({ url: request.url, method: request.method, headers, body: await request.text() })
  },
}
