/** Problem responses of the edge (RFC 9457). Never cached; they say what happened and never what is inside. */

export function problem(
  status: number,
  title: string,
  detail: string,
  headers: Record<string, string> = {},
  errors: readonly { path: string; message: string }[] = [],
): Response {
  const body = { type: 'about:blank', title, status, detail, ...(errors.length > 0 && { errors }) }
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  })
}
