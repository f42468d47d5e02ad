/** `turnout versions` and `turnout env`, as far as the API is told and the user is. */
import { describe, expect, test } from 'vitest'
import { problem } from './fake-admin.ts'
import { says, startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const VERSION = {
  version: 12,
  epoch: 1,
  createdAt: '2026-11-21T10:00:00.250Z',
  actor: 'token:ci',
  reason: 'release 12',
  changeCount: 3,
  changes: [
    { kind: 'flag', key: 'beta', change: 'changed' },
    { kind: 'flag', key: 'new', change: 'added' },
    { kind: 'route', key: 'old', change: 'removed' },
  ],
}
const FIRST = { ...VERSION, version: 1, reason: null, changeCount: 0, changes: [] }

describe('versions list', () => {
  test('shows the newest, with what changed, by whom and why', async () => {
    const api = await startApi({
      'GET /environments/prod/versions': { items: [VERSION, FIRST], nextCursor: null },
    })
    const { code, out } = await turnout(['versions', 'list'], api)
    expect(out).toBe(`VERSION  PUBLISHED             BY        CHANGES                 REASON
12       2026-11-21 10:00:00Z  token:ci  ~ flag beta and 2 more  release 12
1        2026-11-21 10:00:00Z  token:ci  none
`)
    expect(code).toBe(0)
    expect(api.calls[0]!.line).toBe('GET /environments/prod/versions?limit=20')
    await turnout(['versions', 'list', '--limit', '3'], api)
    expect(api.calls[1]!.line).toBe('GET /environments/prod/versions?limit=3')
  })
})

describe('versions show', () => {
  const document = { flags: { beta: true } }
  const answers = { 'GET /environments/prod/versions/12': { ...VERSION, document } }

  test('shows every change, and the document when asked', async () => {
    const api = await startApi(answers)
    expect(
      (await turnout(['versions', 'show', '12'], api)).out,
    ).toBe(`Version 12 of prod, 2026-11-21 10:00:00Z, token:ci: release 12
  ~ flag beta
  + flag new
  - route old
`)
    const { out } = await turnout(['versions', 'show', '12', '--document'], api)
    expect(out).toBe(`${JSON.stringify(document, null, 2)}\n`)
    const json = JSON.parse((await turnout(['versions', 'show', '12', '--json'], api)).out)
    expect(json).toEqual({ environment: 'prod', ...VERSION, document })
  })

  test('takes a number', async () => {
    const { code, err } = await turnout(['versions', 'show', 'v12'], await startApi({}))
    expect(err).toContain('VERSION must be a whole number from 1, got "v12"')
    expect(code).toBe(2)
  })
})

describe('env', () => {
  test('lists environments', async () => {
    const dev = { name: 'dev', open: true, edgeHosts: [], createdAt: VERSION.createdAt, revision: 1 }
    const prod = { ...dev, name: 'prod', open: false, edgeHosts: ['www.example.com', 'example.com'] }
    const api = await startApi({ 'GET /environments': { items: [dev, prod], nextCursor: null } })
    expect((await turnout(['env', 'list'], api)).out).toBe(`ENVIRONMENT  CREATED               EDGE HOSTS
dev          2026-11-21 10:00:00Z  open: a local run
prod         2026-11-21 10:00:00Z  www.example.com, example.com
`)
  })

  test('creates one, and never changes one that is there', async () => {
    const api = await startApi({ 'PUT /environments/stage': says({ name: 'stage' }, {}, 201) })
    const hosts = ['--edge-host', 'stage.example.com', 'test.example.com']
    const { code, out } = await turnout(['env', 'create', 'stage', ...hosts, '--reason', 'new'], api)
    expect(out).toBe('Created stage, with an empty document.\n')
    expect(code).toBe(0)
    const [put] = api.calls
    expect(put!.line).toBe('PUT /environments/stage?reason=new')
    expect(put!.headers['if-none-match']).toBe('*')
    expect(put!.body).toEqual({ edgeHosts: ['stage.example.com', 'test.example.com'] })
  })

  test.each(['.', '..'])('cannot be called %s, which would lead elsewhere', async (name) => {
    const api = await startApi({})
    const { code, err } = await turnout(['env', 'create', name], api)
    expect(err).toBe(`turnout: "${name}" cannot be the name of anything\n`)
    expect([code, api.calls.length]).toEqual([1, 0])
  })
})

describe('a refusal', () => {
  test.each<[number, Record<string, string>, string]>([
    [403, {}, 'This needs the role editor. What this token may do, turnout whoami says.'],
    [429, { 'retry-after': '7' }, 'This needs the role editor. Try again in 7 s.'],
    [
      503,
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
      'This needs the role editor. Its log has it under request request-1.',
    ],
  ])('%i says what to do next', async (status, headers, words) => {
    const refusal = { ...problem(status, 'This needs the role editor.'), headers }
    const api = await startApi({ 'GET /environments': refusal })
    const { code, err } = await turnout(['env', 'list'], api)
    expect(err).toBe(`turnout: the control plane refuses (${status}): ${words}\n`)
    expect(code).toBe(1)
  })
})
