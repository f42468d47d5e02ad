import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { ANY, call, environment, held, NEW, type ProblemBody, problem, value } from './client.ts'

const FLAGS = { flags: { beta: { enabled: true, percentage: 10, tags: ['a'] } } }

describe('a refusal names what is wrong with the request', () => {
  it.each([
    ['no token', {}, 'must be "Bearer <token>"'],
    ['another scheme', { authorization: 'Basic dG46dG4=' }, 'must be "Bearer <token>"'],
    [
      'another token',
      { authorization: 'Bearer tn_x' },
      'holds a token that is not one of this control plane',
    ],
  ])('with %s: the header authorization', async (_, headers, message) => {
    const request = new Request('https://admin.test/api/v1/environments', { headers })
    const response = await app.fetch(request, env, createExecutionContext())
    expect((await problem(response, 401)).errors).toEqual([{ path: 'authorization', message }])
  })

  it('with a precondition that is missing, unquoted or stale: its header', async () => {
    const { api } = await environment(FLAGS)
    const put = (path: string, headers: Record<string, string>) =>
      call(`${api}${path}`, { method: 'PUT', body: true, headers })
    const errorOf = async (response: Response, status: number) => (await problem(response, status)).errors[0]
    expect(await errorOf(await put('/flags/beta', {}), 428)).toEqual({
      path: 'if-match',
      message: 'is required, with the ETag you read (or "*"), or "If-None-Match: *" to create',
    })
    expect(await errorOf(await put('/flags/beta', { 'if-match': 'v2' }), 400)).toEqual({
      path: 'if-match',
      message: 'takes an ETag in its quotes: "v2", not v2',
    })
    expect(await errorOf(await put('/flags/beta', { 'if-none-match': 'v2' }), 400)).toMatchObject({
      path: 'if-none-match',
    })
    expect(await errorOf(await put('/flags/beta', held(1)), 412)).toEqual({
      path: 'if-match',
      message: 'does not hold: the flag "beta" is at "v2"',
    })
    expect(await errorOf(await put('/flags/new', ANY), 412)).toEqual({
      path: 'if-match',
      message: 'does not hold: there is no flag "new"',
    })
    expect(await errorOf(await put('/flags/beta', NEW), 412)).toEqual({
      path: 'if-none-match',
      message: 'does not hold: there is a flag "beta", at "v2"',
    })
  })

  it('with a reason that is too long: the header or the query that holds it', async () => {
    const { api } = await environment(FLAGS)
    const reason = 'x'.repeat(501)
    const toggle = (query: string, headers: Record<string, string>) =>
      call(`${api}/flags/beta${query}`, {
        method: 'PATCH',
        body: { percentage: 5 },
        headers: { ...ANY, ...headers },
      })
    for (const [path, response] of [
      ['x-turnout-reason', await toggle('', { 'x-turnout-reason': reason })],
      ['query.reason', await toggle(`?reason=${reason}`, { 'x-turnout-reason': 'short' })],
    ] as const)
      expect((await problem(response, 422)).errors).toEqual([
        { path, message: 'must have at most 500 characters, has 501' },
      ])
  })

  it('with a name that nothing has: where it stands in the address, the query or the body', async () => {
    const { name, api } = await environment(FLAGS)
    const rows: [string, string, unknown, string, string][] = [
      ['GET', `/api/v1/environments/none`, undefined, 'path.env', 'there is no environment "none"'],
      ['GET', `/api/v1/environments/No!/flags`, undefined, 'path.env', 'there is no environment "No!"'],
      [
        'GET',
        `/api/v1/environments/none/flags/none`,
        undefined,
        'path.env',
        'there is no environment "none"',
      ],
      ['GET', `${api}/flags/zz`, undefined, 'path.key', 'there is no flag "zz"'],
      ['GET', `${api}/flags/${name}`, undefined, 'path.key', `there is no flag "${name}"`],
      ['GET', `${api}/segments/zz`, undefined, 'path.key', 'there is no segment "zz"'],
      ['DELETE', `${api}/routes/zz`, undefined, 'path.key', 'there is no route "zz"'],
      ['POST', `${api}/flags/zz/toggle`, { enabled: true }, 'path.key', 'there is no flag "zz"'],
      ['PUT', `${api}/kills/flag:zz`, { reason: 'x' }, 'path.target', 'there is no flag "zz"'],
      ['PUT', `${api}/kills/tag:zz`, { reason: 'x' }, 'path.target', 'there is no tag "zz"'],
      ['PUT', `${api}/kills/origin:zz/on`, { reason: 'x' }, 'path.target', 'there is no route "zz"'],
      ['DELETE', `${api}/kills/flag:beta`, undefined, 'path.target', 'there is no kill "flag:beta"'],
      ['GET', `${api}/versions/99`, undefined, 'path.n', 'there is no version "99"'],
      ['GET', `${api}/versions/1/diff/99`, undefined, 'path.b', 'there is no version "99"'],
      ['GET', `${api}/compare/none`, undefined, 'path.other', 'there is no environment "none"'],
      ['PUT', `${api}/labels/good`, { version: 99 }, '$.version', 'there is no version "99"'],
      ['DELETE', `${api}/labels/good`, undefined, 'path.label', 'there is no label "good"'],
      ['GET', `${api}/propagation?version=99`, undefined, 'query.version', 'there is no version "99"'],
      [
        'GET',
        `${api}/propagation?kill=99`,
        undefined,
        'query.kill',
        'there is no version of the kill list "99"',
      ],
      ['POST', `${api}/evaluate`, { route: 'zz' }, '$.route', 'there is no route "zz"'],
      ['POST', `${api}/promote`, { to: 'none', flags: 'all' }, '$.to', 'there is no environment "none"'],
      ['POST', `${api}/switch`, { flag: 'zz', to: 'on' }, '$.flag', 'there is no flag "zz"'],
      ['POST', `${api}/reviews/99/close`, { note: 'x' }, 'path.seq', 'there is no review "99"'],
      ['GET', '/api/v1/approvals/dev', undefined, 'path.id', 'there is no approval "dev"'],
      ['GET', `/api/v1/schedules/${name}:9`, undefined, 'path.id', `there is no schedule "${name}:9"`],
      ['GET', '/api/v1/schedules/none:9', undefined, 'path.id', 'there is no environment "none"'],
      [
        'GET',
        '/api/v1/schedules?environment=none',
        undefined,
        'query.environment',
        'there is no environment "none"',
      ],
      ['DELETE', '/api/v1/tokens/none', undefined, 'path.id', 'there is no token "none"'],
      [
        'DELETE',
        '/api/v1/people/none@example.com',
        undefined,
        'path.id',
        'there is no person "none@example.com"',
      ],
      ['DELETE', '/api/v1/keys/none', undefined, 'path.id', 'there is no key "none"'],
      ['GET', '/api/v1/webhooks/none', undefined, 'path.id', 'there is no webhook "none"'],
      ['GET', `${api}/nothing`, undefined, 'path', 'leads to nothing'],
      [
        'POST',
        '/api/v1/keys',
        { environment: 'none', kind: 'client', name: 'x' },
        '$.environment',
        'there is no environment "none"',
      ],
    ]
    const told: unknown[] = []
    for (const [method, path, body] of rows) {
      const response = await call(path, { method, body, headers: ANY })
      const { status, errors } = (await response.json()) as ProblemBody
      told.push({ request: `${method} ${path}`, status, errors })
    }
    expect(told).toEqual(
      rows.map(([method, path, , at, message]) => ({
        ...{ request: `${method} ${path}`, status: 404 },
        errors: [{ path: at, message }],
      })),
    )
  })

  it('with a method that the address does not take: the method', async () => {
    const { api } = await environment()
    const { errors } = await problem(await call(`${api}/versions`, { method: 'PUT', body: {} }), 405)
    expect(errors).toEqual([{ path: 'method', message: 'must be one of GET, HEAD, OPTIONS, got PUT' }])
  })

  it('with an environment that the caller may not act in: where it is named', async () => {
    const { name, api } = await environment()
    const { text } = await token({ role: 'admin', environments: ['elsewhere'] })
    const as = { authorization: `Bearer ${text}` }
    const message = expect.stringMatching(/^is not one that token:.* may act in$/)
    const read = await call(api, { headers: as })
    expect((await problem(read, 403)).errors).toEqual([{ path: 'path.env', message }])
    const body = { environment: name, kind: 'client', name: 'x' }
    const made = await call('/api/v1/keys', { body, headers: as })
    expect((await problem(made, 403)).errors).toEqual([{ path: '$.environment', message }])
    const more = await call('/api/v1/tokens', { body: { name: 'more', role: 'viewer' }, headers: as })
    expect((await problem(more, 403)).errors[0]?.path).toBe('$.projects')
  })
})

async function token(wanted: object): Promise<{ text: string }> {
  const made = await value(await call('/api/v1/tokens', { body: { name: crypto.randomUUID(), ...wanted } }))
  return { text: made.token }
}
