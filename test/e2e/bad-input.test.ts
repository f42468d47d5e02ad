/** Bad input over real HTTP: a problem response that names the field, and nothing changed. */
import { once } from 'node:events'
import http from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, admin, check } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

let run: LocalRun
let before: Answer
beforeAll(async () => {
  run = await startLocalRun()
})
afterAll(stopAll)

// Whatever these tests send, the environment stays as it is.
beforeEach(async () => {
  before = await admin(run, '/document')
})
afterEach(async () => {
  const after = await admin(run, '/document')
  expect(after.body).toEqual(before.body)
  expect(after.headers.get('etag')).toBe(before.headers.get('etag'))
})

const FLAG = '/flags/new-feature'
const put = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  admin(run, path, { method: 'PUT', body, headers })

const LIMIT = 10 * 1024 * 1024
const HEADERS = () => ({
  authorization: `Bearer ${run.adminToken}`,
  'content-type': 'application/json',
  'if-match': '*',
})

/** RFC 9457, as every refusal is. */
function expectProblem(answer: Answer, status: number): void {
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) })
}

describe('the admin API', () => {
  test('a stale If-Match is 412 and says what holds now', async () => {
    const answer = await put(FLAG, { enabled: false }, { 'if-match': '"v999"' })
    expectProblem(answer, 412)
    expect(answer.headers.get('etag')).toMatch(/^"v\d+"$/)
    expect(answer.body.detail).toContain('new-feature')
    expect(answer.body.errors).toMatchObject([{ path: 'if-match' }])
    const exists = await put(FLAG, { enabled: false }, { 'if-match': '*', 'if-none-match': '*' })
    expectProblem(exists, 412)
    expect(exists.body.errors).toMatchObject([{ path: 'if-none-match' }])
  })

  test('no If-Match is 428', async () => {
    expectProblem(await put(FLAG, { enabled: false }), 428)
    expectProblem(await put('/document', { flags: {} }), 428)
    expectProblem(await admin(run, FLAG, { method: 'DELETE' }), 428)
  })

  test.each([
    ['a wrong token', { authorization: 'Bearer tn_not-the-token' }],
    ['no token', { authorization: '' }],
    ['another scheme', { authorization: 'Basic dG46dG4=' }],
  ])('%s is 401', async (_name, headers) => {
    const answer = await put(FLAG, { enabled: false }, { 'if-match': '*', ...headers })
    expectProblem(answer, 401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(answer.body.errors).toMatchObject([{ path: 'authorization' }])
  })

  test('an unknown environment is 404, by its name', async () => {
    const answer = await admin(run, '/api/v1/environments/prod/document')
    expectProblem(answer, 404)
    expect(answer.body.detail).toContain('"prod"')
    expect(answer.body.errors).toEqual([{ path: 'path.env', message: 'there is no environment "prod"' }])
  })

  test('an unknown flag is 404 and names the nearest', async () => {
    const answer = await admin(run, '/flags/new-featre')
    expectProblem(answer, 404)
    expect(answer.body.detail).toContain('new-feature')
  })

  test('a body that declares to be over the limit is 413 before it is sent', async () => {
    const request = http.request(`${run.adminUrl}/api/v1/environments/dev/document`, {
      method: 'PUT',
      headers: { ...HEADERS(), 'content-length': LIMIT + 1 },
    })
    request.on('error', () => {}) // the server is free to hang up: the rest is not wanted
    request.write('{"flags":{')
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    expect(response.statusCode).toBe(413)
    expect(await json(response)).toMatchObject({
      status: 413,
      detail: expect.stringContaining(`${LIMIT} bytes`),
    })
    request.destroy()
  })

  test('a body that turns out to be over the limit is 413', async () => {
    async function* oneTooMany() {
      for (let i = 0; i < 10; i++) yield new Uint8Array(LIMIT / 10).fill(0x20)
      yield new Uint8Array(1)
    }
    const response = await fetch(`${run.adminUrl}/api/v1/environments/dev/document`, {
      method: 'PUT',
      headers: HEADERS(),
      body: ReadableStream.from(oneTooMany()) as ReadableStream<Uint8Array>,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
  })

  test('malformed JSON is 400 with line and column', async () => {
    const answer = await put(FLAG, '{\n  "enabled": true,\n  "percentage": 5O\n}', { 'if-match': '*' })
    expectProblem(answer, 400)
    expect(answer.body.detail).toMatch(/line 3, column \d+/i)
  })

  test('a number that would not come back as it is written is 400 with line and column', async () => {
    const answer = await put(FLAG, '{"enabled":true,\n"variants":{"b":12345678901234567890}}', {
      'if-match': '*',
    })
    expectProblem(answer, 400)
    expect(answer.body.errors).toEqual([
      {
        path: 'line 2, column 17',
        message: 'a number that would become 12345678901234567000; write it as a string',
      },
    ])
  })

  test('every error of a document is told at once, each by its path', async () => {
    const document = {
      flags: {
        'new-feature': { enabled: true, percentage: 150 },
        CONDUIT_X: { enabled: true, fallthrough: 'onn' },
        strange: { enabled: true, rollout: 10 },
      },
      routes: [
        {
          id: 'r',
          match: {},
          flag: 'missing',
          origins: { on: { url: 'ftp://example.com' } },
          fallback: 'on',
        },
      ],
    }
    const answer = await put('/document', document, { 'if-match': '*' })
    expectProblem(answer, 422)
    const paths = answer.body.errors.map(({ path }: { path: string }) => path)
    expect(paths).toEqual(
      expect.arrayContaining([
        "$.flags['new-feature'].percentage",
        '$.flags.CONDUIT_X.fallthrough',
        '$.flags.strange.rollout',
        '$.routes[0].flag',
        '$.routes[0].origins.on.url',
      ]),
    )
  })

  test('an unknown field of a request is named', async () => {
    const answer = await admin(run, `${FLAG}/toggle`, { body: { enabled: false, resaon: 'typo' } })
    expectProblem(answer, 422)
    expect(JSON.stringify(answer.body.errors)).toContain('resaon')
  })

  test('a kill needs a target that can be and a reason', async () => {
    expectProblem(await put('/kills/flags:typo', { reason: 'x' }), 422)
    const answer = await put('/kills/flag:new-feature', {})
    expectProblem(answer, 422)
    expect(answer.body.errors[0].path).toContain('reason')
  })
})

describe('the edge', () => {
  test('an unknown flag is FLAG_NOT_FOUND', async () => {
    const answer = await check(run, 'nothing-of-this-name')
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({ key: 'nothing-of-this-name', errorCode: 'FLAG_NOT_FOUND' })
  })

  test('a percentage without a targeting key is TARGETING_KEY_MISSING', async () => {
    const answer = await check(run, 'new-feature', {})
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ errorCode: 'TARGETING_KEY_MISSING' })
  })

  test('a malformed percent-encoding and malformed JSON are 400', async () => {
    const url = `${run.edgeUrl}/.turnout/ofrep/v1/evaluate/flags`
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } }
    expect((await fetch(`${url}/%E0%A4%A`, { ...post, body: '{}' })).status).toBe(400)
    const answer = await fetch(`${url}/new-feature`, { ...post, body: '{"context":' })
    expect(answer.status).toBe(400)
    expect((await answer.json()) as object).toMatchObject({
      errorCode: 'PARSE_ERROR',
      errorDetails: expect.stringContaining('line 1, column 12'),
    })
  })

  test('a place that is no JSON is 400 and names its header', async () => {
    const answer = await fetch(run.edgeUrl, { headers: { 'cf-blob': 'nowhere' } })
    expect(answer.status).toBe(400)
    expect((await answer.json()) as object).toMatchObject({ detail: expect.stringContaining('CF-Blob') })
  })

  test('a reserved path that means nothing is a problem, not a page of an origin', async () => {
    const answer = await fetch(`${run.edgeUrl}/.turnout/nothing`)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('x-demo-origin')).toBeNull()
  })
})
