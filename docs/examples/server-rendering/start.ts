/**
 * Bundles and serves the example on the loopback address: `node docs/examples/server-rendering/start.ts`, beside a running
 * `npm start`, whose variables it reads too. It puts itself behind the edge, and prints what to do then.
 */
import { hkdfSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import { putBehindEdge } from './route.ts'
import type { makeServer } from './server.tsx'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PORT = 8793

export interface Example {
  readonly url: string
  stop(): void
}

/** `stateDir`: of the local run whose edge is in front. `port` 0: any free one. */
export async function startExample(stateDir: string, port: number): Promise<Example> {
  const script = await bundled('browser.tsx', { minify: true })
  // Packages stay outside, where Node finds them.
  const module = await bundled('server.tsx', { packages: 'external', platform: 'node' })
  const folder = join(ROOT, 'dist/examples')
  const file = join(folder, `server-${process.pid}.js`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, module)
  const made: { makeServer: typeof makeServer } = await import(pathToFileURL(file).href)
  rmSync(file)

  const server = createServer(async (request, response) => {
    const answer = await app.fetch(
      new Request(`http://${request.headers.host}${request.url}`, {
        headers: Object.entries(request.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]),
      }),
    )
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const app = made.makeServer(originKey(stateDir, host), script)
  return {
    url: `http://${host}`,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function bundled(name: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, name)],
    bundle: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    // The package, as it is in this project.
    alias: { '@turnout/sdk': join(ROOT, 'sdk') },
    ...options,
  })
  return outputFiles![0]!.text
}

/** What docs/sdk.md, "Keys", says to give the application. */
function originKey(stateDir: string, host: string): string {
  const secret = readFileSync(join(stateDir, 'signing-key'), 'utf8').trim()
  return Buffer.from(hkdfSync('sha256', secret, '', `turnout-context:${host}`, 32)).toString('base64url')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stateDir = process.env.TURNOUT_STATE_DIR ?? join(ROOT, '.turnout')
  const [edgePort, adminPort] = [
    process.env.TURNOUT_EDGE_PORT ?? '8787',
    process.env.TURNOUT_ADMIN_PORT ?? '8788',
  ]
  const { url } = await startExample(stateDir, PORT)
  const token = readFileSync(join(stateDir, 'admin-token'), 'utf8').trim()
  await putBehindEdge(`http://127.0.0.1:${adminPort}`, token, url)
  console.log(`The server is at ${url}, behind the edge: open http://127.0.0.1:${edgePort}/rendered
Then switch the flag, and watch the page:

  npm run -s turnout -- flags toggle CONDUIT_USE_REPOSITORY_PATTERN on --env dev`)
}
