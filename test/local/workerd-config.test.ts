import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startWorkerd } from '../../local/workerd.ts'
import { type AdminOptions, type EdgeOptions, workerdConfig } from '../../local/workerd-config.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const bundle = (path: string) => ({ path, compatibilityDate: '2026-10-20', compatibilityFlags: [] })
const edge = (more: Partial<EdgeOptions> = {}): EdgeOptions => ({
  bundle: bundle('edge.js'),
  address: '127.0.0.1:0',
  environment: 'dev',
  cookieKey: 'cookie key',
  ...more,
})
const admin = (more: Partial<AdminOptions> = {}): AdminOptions => ({
  bundle: bundle('admin.js'),
  address: '127.0.0.1:0',
  adminToken: 'admin token',
  storageDir: '/state/storage',
  assetsDir: '/dist/assets',
  ...more,
})

/** Stand-ins for the Workers: they answer with what their bindings gave them. */
const EDGE = `
  export default {
    async fetch(request, env) {
      const key = new URL(request.url).searchParams.get('key')
      if (request.method === 'PUT') return new Response(await env.LAST_KNOWN_GOOD.put(key, await request.text()))
      return Response.json({
        cookieKey: env.COOKIE_KEY,
        place: request.cf ?? null,
        control: await env.CONTROL.whoami(),
        copy: key === null ? null : await env.LAST_KNOWN_GOOD.get(key),
      })
    },
  }`
const ADMIN = `
  import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers'
  export class EnvironmentObject extends DurableObject {
    count() {
      this.ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS calls (at)')
      this.ctx.storage.sql.exec('INSERT INTO calls VALUES (1)')
      return this.ctx.storage.sql.exec('SELECT count(*) AS n FROM calls').one().n
    }
  }
  export class ProjectObject extends DurableObject {}
  export class MetricsObject extends DurableObject {}
  export class WebhooksObject extends DurableObject {}
  export class IdempotencyObject extends DurableObject {}
  export class HealthObject extends DurableObject {}
  export class ControlRpc extends WorkerEntrypoint {
    async whoami() {
      const calls = await this.env.ENVIRONMENTS.getByName(this.ctx.props.environment).count()
      return { environment: this.ctx.props.environment, calls }
    }
  }
  export default {
    fetch: (request, env) =>
      request.url.endsWith('/token') ? new Response(env.ADMIN_BOOTSTRAP_TOKEN) : env.ASSETS.fetch(request),
  }`

interface Folder {
  dir: string
  run(
    sockets: string[],
    options: { edge?: EdgeOptions; admin?: AdminOptions },
  ): Promise<Record<string, number>>
}

function folder(): Folder {
  const dir = temporaryFolder()
  writeFileSync(join(dir, 'edge.js'), EDGE)
  writeFileSync(join(dir, 'admin.js'), ADMIN)
  let n = 0
  return {
    dir,
    async run(sockets, options) {
      n += 1
      const configFile = join(dir, `${n}.capnp`)
      writeFileSync(configFile, workerdConfig({ ...options, lastKnownGoodDir: dir, maxHeapMb: 64 }))
      const workerd = await startWorkerd({ configFile, sockets })
      onTestFinished(() => workerd.stop())
      return workerd.ports
    },
  }
}

const get = async (port: number | undefined, init?: RequestInit, query = '') =>
  (await fetch(`http://127.0.0.1:${port}/${query}`, init)).json()

describe('the configuration, on workerd itself', () => {
  test('carries texts with quotes, backslashes, line ends and letters of any script', async () => {
    const { dir, run } = folder()
    const cookieKey = 'a"b\\c\n\t$(x) {} Grüße 日本 \u{1f600} \\x41'
    const { edge: port } = await run(['edge', 'admin'], {
      edge: edge({ cookieKey }),
      admin: admin({ storageDir: dir, assetsDir: dir }),
    })
    expect(await get(port)).toMatchObject({ cookieKey })
  })

  test('gives the edge its place from CF-Blob, and the environment of its binding', async () => {
    const { dir, run } = folder()
    const { edge: port } = await run(['edge', 'admin'], {
      edge: edge(),
      admin: admin({ storageDir: dir, assetsDir: dir }),
    })
    expect(await get(port, { headers: { 'cf-blob': '{"country":"DE"}' } })).toMatchObject({
      place: { country: 'DE' },
      control: { environment: 'dev', calls: 1 },
    })
    expect(await get(port)).toMatchObject({ place: null, control: { calls: 2 } })
  })

  test('last-known-good is a folder: what was put is there, what was not is null', async () => {
    const { dir, run } = folder()
    const { edge: port } = await run(['edge', 'admin'], {
      edge: edge(),
      admin: admin({ storageDir: dir, assetsDir: dir }),
    })
    expect(await get(port, {}, '?key=dev.snapshot')).toMatchObject({ copy: null })
    await fetch(`http://127.0.0.1:${port}/?key=dev.snapshot`, { method: 'PUT', body: 'Größe\n1' })
    expect(await get(port, {}, '?key=dev.snapshot')).toMatchObject({ copy: 'Größe\n1' })
    expect(readFileSync(join(dir, 'dev.snapshot'), 'utf8')).toBe('Größe\n1')
  })

  test('the assets are a folder: files by path, nothing to write, and 404 for what is not there', async () => {
    const { dir, run } = folder()
    mkdirSync(join(dir, 'docs'))
    writeFileSync(join(dir, 'docs', 'a.css'), 'body {}')
    const { admin: port } = await run(['admin'], { admin: admin({ storageDir: dir, assetsDir: dir }) })
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
      return [response.status, response.ok ? await response.text() : '']
    }
    expect(await ask('/docs/a.css')).toEqual([200, 'body {}'])
    expect(await ask('/docs/none.css')).toEqual([404, ''])
    expect(await ask('/docs/a.css', 'DELETE')).toEqual([405, ''])
  })

  test('edge and control plane work from two processes', async () => {
    const { dir, run } = folder()
    const control = { address: '127.0.0.1:0', environment: 'shop.prod' }
    const ports = await run(['admin', 'control'], {
      admin: admin({ storageDir: dir, assetsDir: dir, control }),
    })
    const { edge: port } = await run(['edge'], {
      edge: edge({ controlAddress: `127.0.0.1:${ports.control}` }),
    })
    expect(await get(port)).toMatchObject({ control: { environment: 'shop.prod' } })
  })
})

describe('the configuration and wrangler.toml', () => {
  const text = workerdConfig({ edge: edge(), admin: admin(), lastKnownGoodDir: '/x', maxHeapMb: 64 })
  const service = (name: string) =>
    new RegExp(`\\(name = "${name}", worker = \\(.*?\\n    \\)\\)`, 's').exec(text)?.[0] ?? ''
  const declared = (file: string) =>
    Array.from(
      readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').matchAll(
        /^\[(?:assets|\[(?:durable_objects\.bindings|kv_namespaces|services)\])\]\n(?:.*\n)??(?:name|binding) = "(\w+)"/gm,
      ),
      ([, name]) => name!,
    )

  test.each([
    ['edge', 'wrangler.toml'],
    ['admin', 'admin/wrangler.toml'],
  ])('the %s has every binding that %s declares', (name, file) => {
    const bindings = declared(file)
    expect(bindings.length).toBeGreaterThan(1)
    for (const binding of bindings) expect(service(name)).toContain(`(name = "${binding}", `)
  })

  test('every Durable Object class of admin/wrangler.toml has storage under a name that stays', () => {
    const toml = readFileSync(new URL('../../admin/wrangler.toml', import.meta.url), 'utf8')
    const classes = Array.from(toml.matchAll(/^class_name = "(\w+)"/gm), ([, name]) => name!)
    const kept = {
      EnvironmentObject: 'turnout-environment',
      ProjectObject: 'turnout-project',
      MetricsObject: 'turnout-metrics',
      WebhooksObject: 'turnout-webhooks',
      IdempotencyObject: 'turnout-idempotency',
      HealthObject: 'turnout-health',
    }
    expect(classes.sort()).toEqual(Object.keys(kept).sort())
    for (const [name, key] of Object.entries(kept))
      expect(text).toContain(`(className = "${name}", uniqueKey = "${key}", enableSql = true)`)
  })
})
