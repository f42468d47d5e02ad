/** Cloudflare's API as far as wrangler calls it for a deployment, over HTTP, with an account that begins empty. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

const ACCOUNT = 'a'.repeat(32)

export interface FakeCloudflare {
  /** For CLOUDFLARE_API_BASE_URL. */
  readonly url: string
  readonly namespaces: { id: string; title: string }[]
  /** What was uploaded last, by the name of the Worker. */
  readonly workers: Map<string, Uploaded>
  /** Paths of the files that were offered, of all Workers. */
  readonly assets: string[]
  /** Methods and paths below the account, in order. */
  readonly requests: string[]
}

export interface Uploaded {
  // biome-ignore lint/suspicious/noExplicitAny: whatever wrangler sends
  readonly metadata: any
  /** Names of the secrets that it has now. */
  readonly secrets: readonly string[]
  readonly domains: string[]
}

interface Answer {
  readonly status?: number
  readonly code?: number
  readonly result?: unknown
}

export async function startCloudflare(): Promise<FakeCloudflare> {
  const namespaces: { id: string; title: string }[] = []
  const workers = new Map<string, Uploaded>()
  const assets: string[] = []
  const requests: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { pathname, searchParams } = new URL(request.url!, 'http://cloudflare')
    const path = pathname.replace('/client/v4', '').replace(`/accounts/${ACCOUNT}`, '')
    requests.push(`${request.method} ${path}`)
    const body = new Response(Buffer.concat(chunks), {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    })
    const answer = await respond(`${request.method} ${path}`, searchParams, body)
    const { status = 200, code, result = null } = answer
    response.writeHead(status, { 'content-type': 'application/json' })
    const errors = code === undefined ? [] : [{ code, message: 'as the test wants it' }]
    response.end(
      JSON.stringify({ success: errors.length === 0, errors, messages: [], result, result_info: {} }),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/client/v4`, namespaces, workers, assets, requests }

  async function respond(line: string, query: URLSearchParams, body: Response): Promise<Answer> {
    const worker = /\/workers\/(?:scripts|services|workers)\/([a-z0-9-]+)(?:\/|$)/.exec(line)?.[1] ?? ''
    if (line === 'GET /user/tokens/verify') return { result: { id: 't', status: 'active' } }
    if (line === 'GET /user') return { result: { id: 'u', email: 'you@shop.dev' } }
    if (line === 'GET /accounts' || line === 'GET /memberships')
      return { result: [{ id: ACCOUNT, name: 'shop', account: { id: ACCOUNT, name: 'shop' } }] }
    if (line === 'GET /storage/kv/namespaces')
      return { result: (query.get('page') ?? '1') === '1' ? namespaces : [] }
    if (line === 'POST /storage/kv/namespaces') {
      const { title } = (await body.json()) as { title: string }
      namespaces.push({ id: `${namespaces.length}`.padStart(32, 'f'), title })
      return { result: namespaces.at(-1) }
    }
    if (line === `PUT /workers/scripts/${worker}`) return { result: await upload(worker, body) }
    if (line === `POST /workers/scripts/${worker}/assets-upload-session`) {
      const { manifest } = (await body.json()) as { manifest: Record<string, unknown> }
      assets.push(...Object.keys(manifest))
      // No buckets: there is nothing that Cloudflare does not have yet.
      return { result: { jwt: 'assets', buckets: [] } }
    }
    if (line === `GET /workers/scripts/${worker}/deployments`) return { result: { deployments: [] } }
    const uploaded = workers.get(worker)
    if (uploaded === undefined) return { status: 404, code: line.includes('/services/') ? 10090 : 10007 }
    if (line === `GET /workers/scripts/${worker}/secrets`)
      return { result: uploaded.secrets.map((name) => ({ name, type: 'secret_text' })) }
    if (line === `GET /workers/workers/${worker}`)
      return { result: { id: worker, name: worker, subdomain: { enabled: false, previews_enabled: false } } }
    if (line.endsWith('/domains/changeset'))
      return { result: { added: [], removed: [], updated: [], conflicting: [] } }
    if (line.endsWith('/domains/records')) {
      const { origins } = (await body.json()) as { origins: { hostname: string }[] }
      uploaded.domains.push(...origins.map(({ hostname }) => hostname))
    }
    return { result: {} }
  }

  async function upload(worker: string, body: Response) {
    const metadata = JSON.parse(String((await body.formData()).get('metadata')))
    const bindings: { name: string; type: string }[] = metadata.bindings
    const secrets = bindings
      .filter(({ type }) => type === 'secret_text' || type === 'inherit')
      .map(({ name }) => name)
    workers.set(worker, { metadata, secrets, domains: [] })
    return {
      id: worker,
      tag: 't',
      deployment_id: '1'.repeat(32),
      startup_time_ms: 1,
      entry_point: 'index.js',
    }
  }
}
