/** `turnout audit`. */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { TOKEN } from './fake-admin.ts'
import { startApi } from './fake-api.ts'
import { turnout } from './run.ts'

/** The time that it is for the command. */
const NOW_MS = Date.parse('2026-11-21T10:00:00Z')

const ENTRY = {
  seq: 6,
  at: '2026-11-21T10:00:00.250Z',
  environment: 'prod',
  action: 'kill.placed',
  subject: 'kill:flag:checkout',
  actor: 'token:on-call',
  reason: 'errors since 10:02',
}

describe('audit list', () => {
  test('shows who did what, where, when and why', async () => {
    const login = { ...ENTRY, environment: null, action: 'token.created', subject: 'token:ci', reason: null }
    const api = await startApi({ 'GET /audit': { items: [ENTRY, login], nextCursor: 'more' } })
    const { code, out } = await turnout(['audit', 'list', '--limit', '2'], api)
    expect(
      out,
    ).toBe(`AT                    ENVIRONMENT  ACTION         SUBJECT             BY             REASON
2026-11-21 10:00:00Z  prod         kill.placed    kill:flag:checkout  token:on-call  errors since 10:02
2026-11-21 10:00:00Z               token.created  token:ci            token:on-call
`)
    expect(code).toBe(0)
  })

  test('is about the environment of TURNOUT_ENV, which is said, unless all are asked for', async () => {
    const api = await startApi({
      'GET /audit': { items: [], nextCursor: null },
      'GET /audit/verify': { valid: true, entries: 0, chains: [] },
      'GET /audit/export': { status: 200, body: '' },
    })
    const list = await turnout(['audit', 'list'], api)
    expect(list.out).toBe('There is no such entry.\n')
    expect(list.err).toBe('Of prod alone; --all-envs takes all environments.\n')
    await turnout(['audit', 'verify'], api)
    await turnout(['audit', 'export'], api)
    const all = await turnout(['audit', 'list', '--all-envs'], api)
    expect(all.err).toBe('')
    await turnout(['audit', 'verify', '--all-envs'], api)
    await turnout(['audit', 'list'], { ...api, env: { ...api.env, TURNOUT_ENV: '' } })
    expect(api.calls.map(({ line }) => line)).toEqual([
      'GET /audit?environment=prod&limit=50',
      'GET /audit/verify?environment=prod',
      'GET /audit/export?environment=prod',
      'GET /audit?limit=50',
      'GET /audit/verify',
      'GET /audit?limit=50',
    ])
    const both = await turnout(['audit', 'list', '--all-envs', '--env', 'dev'], api)
    expect(both.err).toContain('--env and --all-envs exclude each other')
    expect(both.code).toBe(2)
  })

  test('asks for what the filters say', async () => {
    const api = await startApi({ 'GET /audit': { items: [], nextCursor: null } })
    const filter = ['--action', 'kill.*', '--actor', 'token:ci', '--from', '2026-11-21T10:00:00Z']
    await turnout(['audit', 'list', '--env', 'prod', ...filter], api)
    const query = new URLSearchParams(api.calls[0]!.line.split('?')[1])
    expect(Object.fromEntries(query)).toEqual({
      limit: '50',
      environment: 'prod',
      action: 'kill.*',
      actor: 'token:ci',
      from: '2026-11-21T10:00:00Z',
    })
    const { code, err } = await turnout(['audit', 'list', '--from', 'yesterday'], api)
    expect(err).toContain(
      '--from must be a time such as 2026-11-21T10:00:00Z, a day such as 2026-11-21, or 24h',
    )
    expect(code).toBe(2)
  })

  test.each([
    ['2026-11-21', '2026-11-21T00:00:00Z'],
    ['24h', new Date(NOW_MS - 86_400_000).toISOString()],
    ['30m', new Date(NOW_MS - 1_800_000).toISOString()],
  ])('takes days, and how long ago it was: %s', async (text, from) => {
    const api = await startApi({ 'GET /audit': { items: [], nextCursor: null } })
    await turnout(['audit', 'list', '--all-envs', '--from', text], api)
    expect(new URLSearchParams(api.calls[0]!.line.split('?')[1]).get('from')).toBe(from)
  })

  test.each(['2026-13-41', '0h', '5', 'h', '-1h'])('refuses %s', async (text) => {
    const { code, err } = await turnout(['audit', 'list', `--from=${text}`], await startApi({}))
    expect([code, err]).toEqual([2, expect.stringContaining('--from must be a time such as')])
  })
})

describe('audit verify', () => {
  const chain = (environment: string | null, more: object = {}) => ({
    environment,
    valid: true,
    entries: 3,
    head: 'hash',
    ...more,
  })

  test('says that the log is whole', async () => {
    const found = { valid: true, entries: 6, chains: [chain(null), chain('prod')] }
    const api = await startApi({ 'GET /audit/verify': found })
    const { code, out } = await turnout(['audit', 'verify'], api)
    expect(out).toBe('The audit log is whole: 6 entries in 2 chains, every hash computed anew.\n')
    expect(code).toBe(0)
    expect(JSON.parse((await turnout(['audit', 'verify', '--json'], api)).out)).toEqual(found)
  })

  test('fails if it is not, and says where', async () => {
    const broken = { valid: false, broken: { seq: 2, problem: 'its hash is not that of its content' } }
    const found = { valid: false, entries: 6, chains: [chain(null), chain('prod', broken)] }
    const api = await startApi({ 'GET /audit/verify': found })
    const { code, err } = await turnout(['audit', 'verify'], api)
    expect(err).toBe(`Of prod alone; --all-envs takes all environments.
turnout: the audit log was changed: keep it as it is, and find out who had access to the storage
  prod, entry 2: its hash is not that of its content
`)
    expect(code).toBe(1)
    const json = JSON.parse((await turnout(['audit', 'verify', '--json'], api)).out)
    expect(json).toMatchObject({ valid: false, chains: found.chains, error: expect.any(String) })
  })
})

describe('audit export', () => {
  /** An API that answers the export with these parts, and hangs up after the last if told to. */
  async function exporting(parts: readonly string[], { hangUp = false } = {}) {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      for (const part of parts) response.write(part)
      if (hangUp) setImmediate(() => response.destroy())
      else response.end()
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    return { env: { TURNOUT_URL: `http://127.0.0.1:${port}`, TURNOUT_ADMIN_TOKEN: TOKEN } }
  }

  const lines = `${JSON.stringify(ENTRY)}\n{"seq":7,"reason":"ümlaut \u0085"}\n`

  test('passes the log on as it is', async () => {
    const api = await exporting([lines.slice(0, 20), lines.slice(20)])
    expect(await turnout(['audit', 'export'], api)).toMatchObject({ code: 0, out: lines, err: '' })
  })

  test('shows a screen nothing that could rewrite it', async () => {
    const { out } = await turnout(['audit', 'export'], { ...(await exporting([lines])), screen: true })
    expect(out).toBe(lines.replace('\u0085', '\uFFFD'))
  })

  test('writes a new file, never over one that is there', async () => {
    const cwd = temporaryFolder()
    const api = { ...(await exporting([lines])), cwd }
    const args = ['audit', 'export', '--output', 'log.ndjson']
    expect((await turnout(args, api)).out).toBe('Exported 2 entries to log.ndjson.\n')
    expect(readFileSync(join(cwd, 'log.ndjson'), 'utf8')).toBe(lines)
    const { code, err } = await turnout(args, api)
    expect(err).toMatch(/log\.ndjson cannot be written: there is such a file already\n$/)
    expect(code).toBe(1)
  })

  test('that breaks off is no log, whether within an entry or between two', async () => {
    const within = await turnout(['audit', 'export'], await exporting([lines.slice(0, -5)]))
    expect(within.err).toBe('turnout: the export broke off in the middle of an entry\n')
    const between = await turnout(['audit', 'export'], await exporting([lines], { hangUp: true }))
    expect(between.err).toMatch(/^turnout: the export broke off: /)
    expect([within.code, between.code]).toEqual([1, 1])
  })
})
