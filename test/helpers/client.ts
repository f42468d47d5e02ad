/** A small client of a running system: what a person with curl, and a backend with OFREP, would send. */

export interface Target {
  readonly edgeUrl: string
  readonly adminUrl: string
  readonly adminToken: string
}

export interface Call {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test says by its assertion what it expects
  readonly body: any
}

/** A call of the admin API below `/api/v1/environments/dev`, or of the whole API if the path begins with `/api`. */
export async function admin(target: Target, path: string, call: Call = {}): Promise<Answer> {
  const url = target.adminUrl + (path.startsWith('/api') ? path : `/api/v1/environments/dev${path}`)
  const { body } = call
  const response = await fetch(url, {
    method: call.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${target.adminToken}`,
      'content-type': 'application/json',
      ...call.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return answered(response)
}

/** One flag through OFREP. */
export async function check(
  target: Target,
  flag: string,
  context: object = { targetingKey: 'user-1' },
): Promise<Answer> {
  const response = await fetch(`${target.edgeUrl}/.turnout/ofrep/v1/evaluate/flags/${flag}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ context }),
  })
  return answered(response)
}

/** The edge's own opinion of itself. */
export const ready = async (target: Pick<Target, 'edgeUrl'>): Promise<Answer> =>
  answered(await fetch(`${target.edgeUrl}/.turnout/health/ready`))

/** Which demo origin answers a path. */
export async function side(
  target: Pick<Target, 'edgeUrl'>,
  path: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await fetch(target.edgeUrl + path, { headers })
  await response.arrayBuffer()
  return response.headers.get('x-demo-origin') ?? `no origin: ${response.status}`
}

/** Changes the document by a function, as one version. */
export async function changeDocument(
  target: Target,
  // biome-ignore lint/suspicious/noExplicitAny: the document as JSON, whatever it holds
  change: (document: any) => void,
): Promise<Answer> {
  const { body, headers } = await admin(target, '/document')
  change(body)
  return admin(target, '/document', {
    method: 'PUT',
    headers: { 'if-match': headers.get('etag') ?? '' },
    body,
  })
}

async function answered(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}
