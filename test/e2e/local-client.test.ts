/** The local client against the real system: in a process of Node, which it does not keep, and in a Worker of workerd's. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createClient } from '../../sdk/node/index.ts'
import { admin } from '../helpers/client.ts'
import { newStateDir, type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
const root = fileURLToPath(new URL('../..', import.meta.url))

let run: SplitRun
let key: string
beforeAll(async () => {
  run = await startSplitRun()
  await admin(run, '/api/v1/environments/dev', { method: 'PUT', headers: { 'if-none-match': '*' }, body: {} })
  await admin(run, '/document', {
    method: 'PUT',
    headers: { 'if-match': '*' },
    body: { flags: { [FLAG]: true, half: { enabled: true, percentage: 50 } } },
  })
  const made = await admin(run, '/api/v1/keys', {
    body: { environment: 'dev', kind: 'server', name: 'a test' },
  })
  key = made.body.key
})
afterAll(stopAll)

/** A program of Node's own, with the client's options as its first argument; what it printed, once it has ended by itself. */
async function program(body: string, options: object): Promise<unknown[]> {
  const source = `
    import { createClient } from '${root}sdk/node/index.ts'
    import { diskStorage } from '${root}sdk/node/disk.ts'
    const { path, ...options } = JSON.parse(process.argv[1])
    console.warn = () => {}
    const flags = createClient({ ...options, storage: path && diskStorage(path) })
    const say = (...what) => console.log(JSON.stringify(what))
    await flags.ready
    ${body}`
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    source,
    JSON.stringify({ url: run.edgeUrl, key, ...options }),
  ])
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const SAY = `say(flags.booleanDetails('${FLAG}', false).value, flags.booleanDetails('${FLAG}', false).reason)`

describe('a process of Node', () => {
  it('hears of a kill by the stream', async () => {
    const client = createClient({ url: run.edgeUrl, key })
    onTestFinished(() => client.close())
    await vi.waitFor(() => expect(client.boolean(FLAG, false)).toBe(true), { interval: 10 })
    await admin(run, `/kills/flag:${FLAG}`, { method: 'PUT', body: { reason: 'a test' } })
    await vi.waitFor(() => expect(client.boolean(FLAG, true)).toBe(false), { interval: 10 })
    expect(client.booleanDetails(FLAG, true).reason).toBe('DISABLED')
    await admin(run, `/kills/flag:${FLAG}`, { method: 'DELETE' })
    await vi.waitFor(() => expect(client.boolean(FLAG, false)).toBe(true), { interval: 10 })
  })

  it('ends by itself, whether it listens, looks or waits for an edge that is away', async () => {
    expect(await program(SAY, {})).toStrictEqual([[true, 'STATIC']])
    // The stream is open by then.
    const later = `setTimeout(() => ${SAY}, 300)`
    expect(await program(later, {})).toStrictEqual([[true, 'STATIC']])
    expect(await program(SAY, { stream: false })).toStrictEqual([[true, 'STATIC']])
    expect(await program(SAY, { url: 'http://127.0.0.1:9' })).toStrictEqual([[false, 'ERROR']])
  })

  it('starts by its file while the edge is away', async () => {
    const path = `${newStateDir()}/flags`
    expect(await program(SAY, { path })).toStrictEqual([[true, 'STATIC']])
    // The edge's port is closed a moment: its successor has another one.
    const { edgeUrl } = run
    const restarted = await run.restartEdge()
    expect(await program(SAY, { path, url: edgeUrl })).toStrictEqual([[true, 'STALE']])
    Object.assign(run, { edgeUrl: restarted })
    expect(await program(SAY, { path, url: restarted })).toStrictEqual([[true, 'STATIC']])
  })
})

describe('a Worker', () => {
  /** An application of one file, with its client outside of any request. */
  const APPLICATION = `
    import { createClient } from './sdk/worker.ts'
    let asked = 0
    const flags = createClient({
      url: URL_OF_EDGE,
      key: KEY,
      pollMs: 200,
      fetch: (...request) => {
        asked += 1
        return fetch(...request)
      },
    })
    export default {
      async fetch(request, env, ctx) {
        const { pathname } = new URL(request.url)
        if (pathname === '/asked') return Response.json(asked)
        await (pathname === '/ready' ? flags.ready : flags.current(ctx))
        return Response.json(flags.booleanDetails('${FLAG}', false, { targetingKey: 'ada' }))
      },
    }`

  async function application(): Promise<(path: string) => Promise<unknown>> {
    const { outputFiles } = await build({
      stdin: { contents: APPLICATION, resolveDir: root },
      define: { URL_OF_EDGE: JSON.stringify(run.edgeUrl), KEY: JSON.stringify(key) },
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2024',
    })
    const options = { modules: true as const, script: outputFiles[0]!.text, compatibilityDate: '2026-10-20' }
    const miniflare = new Miniflare(convertV4MiniflareOptions(options))
    onTestFinished(() => miniflare.dispose())
    return async (path) => {
      const response = await miniflare.dispatchFetch(`http://app.test${path}`)
      return response.ok ? response.json() : response.text()
    }
  }

  it('answers every request of a cold isolate by one load, and hears of a kill later', async () => {
    const get = await application()
    const cold = await Promise.all(Array.from({ length: 40 }, (_, at) => get(at % 2 ? '/' : '/ready')))
    expect(new Set(cold.map((details) => JSON.stringify(details)))).toStrictEqual(
      new Set([JSON.stringify({ key: FLAG, value: true, variant: 'on', reason: 'STATIC', metadata: {} })]),
    )
    expect(await get('/asked')).toBe(1)
    await admin(run, `/kills/flag:${FLAG}`, { method: 'PUT', body: { reason: 'a test' } })
    await vi.waitFor(async () => expect(await get('/')).toMatchObject({ value: false, reason: 'DISABLED' }), {
      timeout: 10_000,
      interval: 20,
    })
    await admin(run, `/kills/flag:${FLAG}`, { method: 'DELETE' })
  })

  it('goes on through many bursts, whose requests end in any order', async () => {
    const get = await application()
    for (let round = 0; round < 15; round += 1) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => get('/')))
      for (const answer of answers)
        expect((answer as { reason: string }).reason).toBeOneOf(['STATIC', 'DISABLED'])
      await new Promise((go) => setTimeout(go, 60))
    }
    expect(await get('/asked')).toBeLessThan(16)
  })
})
