/** A control plane and many edges of one environment, in two workerd processes, and the calls that a benchmark makes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ASSETS_DIR } from '../../local/assets.ts'
import { build } from '../../local/build.ts'
import { startWorkerd, type Workerd } from '../../local/workerd.ts'
import { workerdConfig } from '../../local/workerd-config.ts'
import { edgesConfig, socketOf } from './config.ts'

const ENVIRONMENT = 'bench'
const TOKEN = 'token-of-the-benchmark'

export interface System {
  /** Port of each edge. */
  readonly edges: readonly number[]
  /** A call below the environment's address. Throws unless it succeeds. */
  call(method: string, path: string, body?: unknown): Promise<{ headers: Headers; body: unknown }>
  stop(): Promise<void>
}

export interface SystemOptions {
  readonly edges: number
  readonly maxHeapMb: number
  readonly document: unknown
}

/** Publishes the document in an open environment. */
export async function startSystem({ edges: count, maxHeapMb, document }: SystemOptions): Promise<System> {
  const undo: (() => unknown)[] = []
  const stop = async () => {
    for (const step of undo.toReversed()) await step()
  }
  try {
    const folder = mkdtempSync(join(tmpdir(), 'turnout-bench-'))
    undo.push(() => rmSync(folder, { recursive: true, force: true }))
    const start = async (name: string, config: string, sockets: string[]): Promise<Workerd> => {
      writeFileSync(join(folder, name), config)
      const workerd = await startWorkerd({ configFile: join(folder, name), sockets })
      undo.push(() => workerd.stop())
      return workerd
    }
    const built = await build((line) => console.error(`turnout: ${line}`))
    const bundle = ({ file, ...rest }: typeof built.edge) => ({ path: relative(folder, file), ...rest })
    const adminConfig = workerdConfig({
      lastKnownGoodDir: folder,
      maxHeapMb: 512,
      admin: {
        bundle: bundle(built.admin),
        address: '127.0.0.1:0',
        adminToken: TOKEN,
        storageDir: folder,
        assetsDir: ASSETS_DIR,
        control: { address: '127.0.0.1:0', environment: ENVIRONMENT },
      },
    })
    const admin = await start('admin.capnp', adminConfig, ['admin', 'control'])
    const call = caller(admin.ports.admin!)
    await call('PUT', '', { open: true })
    await call('PUT', '/document', document)
    const sockets = Array.from({ length: count }, (_, edge) => socketOf(edge))
    const config = edgesConfig({
      count,
      bundle: relative(folder, built.edge.file),
      compatibilityDate: built.edge.compatibilityDate,
      compatibilityFlags: built.edge.compatibilityFlags,
      environment: ENVIRONMENT,
      controlAddress: `127.0.0.1:${admin.ports.control}`,
      maxHeapMb,
    })
    const { ports } = await start('edges.capnp', config, sockets)
    return { edges: sockets.map((name) => ports[name]!), call, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

const caller =
  (port: number): System['call'] =>
  async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/environments/${ENVIRONMENT}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'content-type': 'application/json',
        ...(method === 'PUT' && { [path === '' ? 'if-none-match' : 'if-match']: '*' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`[bench] ${method} ${path} was answered ${response.status}: ${text}`)
    return { headers: response.headers, body: text === '' ? null : JSON.parse(text) }
  }
