import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { MAX_BODY_BYTES } from '../../admin/env.ts'
import { caller } from './callers.ts'
import { ANY, call, environment, NEW, problem, TOKEN, value } from './client.ts'

/** The API with other bindings than the tests' own. */
const fetchWith = async (bindings: object, path: string, init: RequestInit = {}) =>
  app.fetch(new Request(`https://admin.test${path}`, init), { ...env, ...bindings }, createExecutionContext())

describe('authentication', () => {
  const wrong: [string, Record<string, string>][] = [
    ['nothing', {}],
    ['another token', { authorization: `Bearer ${TOKEN}x` }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
    ['an empty token', { authorization: 'Bearer ' }],
  ]
  it.each(wrong)('refuses %s', async (_, headers) => {
    const response = await fetchWith({}, '/api/v1/environments', { headers })
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="turnout"')
    const { detail } = await problem(response, 401)
    expect(detail).not.toContain(TOKEN)
  })

  it('says so when no token is configured, whatever is sent', async () => {
    for (const ADMIN_BOOTSTRAP_TOKEN of [undefined, '']) {
      const headers = { authorization: 'Bearer ' }
      const response = await fetchWith({ ADMIN_BOOTSTRAP_TOKEN }, '/api/v1/environments', { headers })
      expect((await problem(response, 401)).detail).toContain('ADMIN_BOOTSTRAP_TOKEN is not set')
    }
  })

  it('comes before everything else under the API', async () => {
    await problem(await fetchWith({}, '/api/v1/nothing'), 401)
    await problem(await fetchWith({}, '/api/v1/environments/dev', { method: 'PUT' }), 401)
  })

  it('is not needed for health, the OpenAPI page and the landing page', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      const response = await fetchWith({}, path)
      expect(await response.json()).toEqual({ status: 'ok' })
    }
    const page = await fetchWith({}, '/')
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toContain('/openapi.json')
    expect((await fetchWith({}, '/openapi.json')).status).toBe(200)
  })

  it('says not ready when storage does not answer', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const PROJECT = { getByName: () => ({ ping: async () => Promise.reject(new Error('gone')) }) }
    const response = await fetchWith({ PROJECT }, '/health/ready')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ status: 'unavailable' })
    expect(warn).toHaveBeenCalledOnce()
    warn.mockRestore()
  })
})

describe('a problem', () => {
  it.each([
    ['{"flags": {"a": tru}}', 'line 1, column 17'],
    ['{\n  "flags": {\n    "a": true,\n  }\n}', 'line 4, column 3'],
    ['{"flags"', 'line 1, column 9'],
    [' ', 'line 1, column 2'],
    ['{} {}', 'line 1, column 4'],
  ])('of malformed JSON %j names %s', async (body, at) => {
    const { api } = await environment()
    const document = await problem(await call(`${api}/document`, { method: 'PUT', body, headers: ANY }), 400)
    expect(document.errors[0]?.path).toBe(at)
    const checked = await problem(await call('/api/v1/keys', { method: 'POST', body }), 400)
    expect(checked.errors).toEqual(document.errors)
  })

  it('of a document that is not there is 400, by its first character', async () => {
    const { api } = await environment()
    const left = await problem(await call(`${api}/document`, { method: 'PUT', body: '', headers: ANY }), 400)
    expect(left.errors[0]?.path).toBe('line 1, column 1')
  })

  it('of a body that is not UTF-8 is 400', async () => {
    const { api } = await environment()
    const response = await fetchWith({}, `${api}/document`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...ANY },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    })
    expect((await problem(response, 400)).detail).toContain('UTF-8')
  })

  it('of nesting without end is 400, not a crash', async () => {
    const { api } = await environment()
    const body = `{"flags":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
    const { detail } = await problem(
      await call(`${api}/document`, { method: 'PUT', body, headers: ANY }),
      400,
    )
    expect(detail).toContain('nested deeper than 100 levels')
  })

  it('begins with a capital, but where it begins with a name, and has the right article', async () => {
    const { name, api } = await environment({ flags: { beta: { enabled: true, percentage: 5 } } })
    const exists = await problem(await call(api, { method: 'PUT', body: {}, headers: NEW }), 412)
    expect(exists.detail).toBe(`There is an environment "${name}" already.`)
    expect(exists.errors[0]?.message).toBe(`does not hold: there is an environment "${name}", at "v1"`)
    const target = await environment()
    const promotion = { to: target.name, flags: 'all', expected: 7 }
    const changed = await problem(await call(`${api}/promote`, { body: promotion }), 409)
    expect(changed.detail).toBe(`Environment ${target.name} is at version 1, not 7.`)
    await value(await call(api, { method: 'PUT', body: { approvals: 2 }, headers: ANY }))
    const [ana, bob] = [await caller('editor'), await caller('editor')]
    const body = { percentage: 10 }
    const asked = await ana.call(`${api}/flags/beta`, { method: 'PATCH', body, headers: ANY })
    const approve = `/api/v1/approvals/${(await value(asked)).id}/approve`
    await value(await bob.call(approve, { body: {} }))
    const twice = await problem(await bob.call(approve, { body: {} }), 409)
    expect(twice.detail).toBe(`${bob.id} has approved this already.`)
    const freeze = { environment: name, reason: 'end of year' }
    await value(await call('/api/v1/freezes', { body: freeze }))
    const raise = { method: 'PATCH', body: { percentage: 20 }, headers: ANY }
    expect((await problem(await call(`${api}/flags/beta`, raise), 409)).detail).toMatch(/^Changes are frozen/)
  })

  it('of an unknown environment, flag or address is 404', async () => {
    const { api } = await environment()
    for (const path of ['', '/document', '/flags', '/flags/a', '/kills', '/versions', '/versions/1'])
      expect((await problem(await call(`/api/v1/environments/none${path}`), 404)).detail).toContain('"none"')
    const writes: [string, string, unknown][] = [
      ['PUT', '/document', { flags: {} }],
      ['PUT', '/flags/a', true],
      ['POST', '/flags/a/toggle', { enabled: true }],
      ['POST', '/validate', {}],
      ['POST', '/evaluate', { flag: 'a' }],
      ['PUT', '/kills/all-flags', { reason: 'x' }],
    ]
    for (const [method, path, body] of writes)
      await problem(await call(`/api/v1/environments/none${path}`, { method, body, headers: ANY }), 404)
    await problem(await call('/api/v1/environments/none', { method: 'DELETE', headers: ANY }), 404)
    await problem(await call(`${api}/flags/a`), 404)
    await problem(await call(`${api}/nothing`), 404)
    await problem(await call('/nothing'), 404)
    await problem(await call('/api/v1/keys/', { method: 'DELETE' }), 404)
  })

  it('of a method the address does not take is 405 with those it does', async () => {
    const { api } = await environment()
    const response = await call(`${api}/flags/a`, { method: 'POST', body: true })
    expect(response.headers.get('allow')).toBe('DELETE, GET, HEAD, OPTIONS, PATCH, PUT')
    await problem(response, 405)
    expect((await call('/health/live', { method: 'DELETE' })).headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })

  it('of a body over the limit is 413, by its declared length and while reading', async () => {
    const { api } = await environment()
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...ANY }
    const declared = await fetchWith({}, `${api}/document`, {
      method: 'PUT',
      headers: { ...headers, 'content-length': String(MAX_BODY_BYTES + 1) },
      body: '{}',
    })
    await problem(declared, 413)
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    })
    await problem(await fetchWith({}, `${api}/document`, { method: 'PUT', headers, body: endless }), 413)
    expect(sent).toBeLessThan(MAX_BODY_BYTES + 1_000_000)
  })

  it('of a body that is not declared as JSON is 415', async () => {
    const { api } = await environment()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
      const headers = { ...ANY, 'content-type': type }
      await problem(await call(`${api}/document`, { method: 'PUT', body: '{}', headers }), 415)
      await problem(await call('/api/v1/keys', { method: 'POST', body: '{}', headers }), 415)
    }
    const headers = { ...ANY, 'content-type': 'application/json; charset=utf-8' }
    expect((await call(`${api}/document`, { method: 'PUT', body: '{}', headers })).status).toBe(200)
  })

  it('that nobody foresaw is 500, logged under the request’s id and told to nobody', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const ENVIRONMENTS = {
      getByName: () => ({ describe: () => Promise.reject(new Error(`secret ${TOKEN} at /etc`)) }),
    }
    const headers = { authorization: `Bearer ${TOKEN}` }
    const response = await fetchWith({ ENVIRONMENTS }, '/api/v1/environments/dev', { headers })
    const text = await response.clone().text()
    const { requestId } = await problem(response, 500)
    expect(text).not.toMatch(/secret|etc|stack/)
    expect(error.mock.calls.flat().join()).toContain(requestId)
    error.mockRestore()
  })

  it('of an overloaded object is 503 and is not tried again', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const describe = vi.fn(() =>
      Promise.reject(Object.assign(new Error('busy'), { overloaded: true, retryable: true })),
    )
    const headers = { authorization: `Bearer ${TOKEN}` }
    const response = await fetchWith(
      { ENVIRONMENTS: { getByName: () => ({ describe }) } },
      '/api/v1/environments/dev',
      {
        headers,
      },
    )
    expect(response.headers.get('retry-after')).toBe('5')
    await problem(response, 503)
    expect(describe).toHaveBeenCalledOnce()
    error.mockRestore()
  })

  it.each([
    ['database or disk is full: SQLITE_FULL', 507, 'storage-full'],
    ['database disk image is malformed: SQLITE_CORRUPT', 500, 'storage-failed'],
    ['disk I/O error: SQLITE_IOERR (extended: SQLITE_IOERR_WRITE)', 500, 'storage-failed'],
    ['attempt to write a readonly database: SQLITE_READONLY', 500, 'storage-failed'],
    ['UNIQUE constraint failed: versions.n: SQLITE_CONSTRAINT', 500, 'internal'],
  ] as const)('of storage that says %j is a %i %s', async (message, status, kind) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const ENVIRONMENTS = { getByName: () => ({ describe: () => Promise.reject(new Error(message)) }) }
    const headers = { authorization: `Bearer ${TOKEN}` }
    const response = await fetchWith({ ENVIRONMENTS }, '/api/v1/environments/dev', { headers })
    const { type, detail } = await problem(response, status)
    expect(type).toBe(`urn:turnout:problem:${kind}`)
    expect(detail).toContain(
      { 'storage-full': 'no room', 'storage-failed': 'SQLITE_', internal: 'fault' }[kind],
    )
    expect(error.mock.calls.flat().join()).toContain(kind === 'internal' ? 'request-failed' : kind)
    error.mockRestore()
  })

  it('of an object that failed for a passing reason is tried again, on a fresh stub', async () => {
    const { name, api } = await environment()
    let stubs = 0
    const getByName = (of: string) => {
      if (++stubs > 1) return env.ENVIRONMENTS.getByName(of)
      return { describe: () => Promise.reject(Object.assign(new Error('reset'), { retryable: true })) }
    }
    const headers = { authorization: `Bearer ${TOKEN}` }
    const response = await fetchWith({ ENVIRONMENTS: { getByName } }, api, { headers })
    expect((await value(response)).name).toBe(name)
    expect(stubs).toBe(2)
  })

  it('of an object that failed while it changed something is 503, and is not tried again', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const lost = vi.fn(() => Promise.reject(Object.assign(new Error('lost'), { retryable: true })))
    const ENVIRONMENTS = { getByName: () => ({ edit: lost, addFreeze: lost, drill: lost, removeKill: lost }) }
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...ANY }
    const send = (method: string, path: string, body: object | null) =>
      fetchWith({ ENVIRONMENTS }, `/api/v1${path}`, {
        method,
        headers,
        ...(body === null ? {} : { body: JSON.stringify(body) }),
      })
    for (const [method, path, body] of [
      ['PUT', '/environments/dev/flags/beta', {}],
      ['POST', '/environments/dev/flags/beta/toggle', { enabled: true }],
      ['POST', '/environments/dev/drill', null],
      ['POST', '/freezes', { environment: 'dev', reason: 'x' }],
      ['DELETE', '/environments/dev/kills/all-flags', null],
    ] as const) {
      lost.mockClear()
      const { type } = await problem(await send(method, path, body), 503)
      expect(type, path).toBe('urn:turnout:problem:interrupted')
      expect(lost, path).toHaveBeenCalledOnce()
    }
    error.mockRestore()
  })

  it('of an object that failed while it killed, or switched off, is tried again', async () => {
    const { name, api } = await environment({ flags: { beta: true } })
    const lost = () => Promise.reject(Object.assign(new Error('lost'), { retryable: true }))
    for (const [method, path, body] of [
      ['PUT', '/kills/flag:beta', { reason: 'x' }],
      ['POST', '/flags/beta/toggle', { enabled: false }],
    ] as const) {
      let stubs = 0
      const getByName = (of: string) =>
        ++stubs > 1 ? env.ENVIRONMENTS.getByName(of) : { edit: lost, putKill: lost }
      const answer = await fetchWith({ ENVIRONMENTS: { getByName } }, `${api}${path}`, {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(answer.ok, `${name} ${path}`).toBe(true)
    }
  })

  it('of the object that knows tokens and people keeps the bootstrap token from nothing', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { api } = await environment({ flags: { beta: true } })
    const down = () => Promise.reject(new Error('down'))
    const PROJECT = { getByName: () => ({ recognize: down }) }
    const kill = (token: string) =>
      fetchWith({ PROJECT }, `${api}/kills/flag:beta`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ reason: 'x' }),
      })
    expect((await kill(TOKEN)).status).toBe(201)
    await problem(await kill('tn_another'), 500)
    error.mockRestore()
  })

  it('that may have been carried out keeps its Idempotency-Key from doing it again', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { name } = await environment()
    const lost = () => Promise.reject(Object.assign(new Error('lost'), { retryable: true }))
    const ENVIRONMENTS = { getByName: () => ({ addFreeze: lost }) }
    const init = {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'content-type': 'application/json',
        'idempotency-key': crypto.randomUUID(),
      },
      body: JSON.stringify({ environment: name, reason: 'x' }),
    }
    await problem(await fetchWith({ ENVIRONMENTS }, '/api/v1/freezes', init), 503)
    await problem(await fetchWith({}, '/api/v1/freezes', init), 409)
    error.mockRestore()
  })
})

describe('very many errors of a body', () => {
  it('are named as far as an answer goes, and the others counted', async () => {
    const { api } = await environment({ flags: { beta: true } })
    const unknown = Object.fromEntries(Array.from({ length: 1_500 }, (_, at) => [`x${at}`, 1]))
    const body = { enabled: false, ...unknown }
    const { detail, errors } = await problem(await call(`${api}/flags/beta/toggle`, { body }), 422)
    expect(detail).toBe('The body has more than 1000 errors; nothing was changed.')
    expect(errors).toHaveLength(1_001)
    expect(errors[0]).toStrictEqual({
      path: '$.x0',
      message: 'unknown field "x0"; known are enabled, reason',
    })
    expect(errors.at(-1)).toStrictEqual({ path: '$', message: '500 more errors are not listed' })
  })
})
