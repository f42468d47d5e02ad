import { describe, expect, it } from 'vitest'
import { ROLES, type Role } from '../../admin/access/principal.ts'
import { ANY, call, environment, NEW, problem, TOKEN, value } from './client.ts'
import { openApiPage } from './operations.ts'

let made = 0

interface Given {
  role: Role
  projects?: string[] | null
  environments?: string[] | null
  expiresAt?: string
}

/** A new token's answer. */
const mint = async (given: Given, as = TOKEN) =>
  value(
    await call('/api/v1/tokens', {
      body: { name: `t${++made}-${crypto.randomUUID().slice(0, 8)}`, ...given },
      headers: { authorization: `Bearer ${as}` },
    }),
  )

const as = (token: string) => ({ authorization: `Bearer ${token}` })

describe('a token', () => {
  it('is shown once, with 256 bits, and names its holder', async () => {
    const { token, id, name } = await mint({ role: 'viewer' })
    expect(token).toMatch(/^tn_[A-Za-z0-9_-]{43}$/)
    const listed = await value(await call('/api/v1/tokens'))
    expect(JSON.stringify(listed)).not.toContain(token)
    expect(listed.items.find((item: { id: string }) => item.id === id)).toMatchObject({
      name,
      role: 'viewer',
      createdBy: 'bootstrap',
      revokedAt: null,
    })
    const caller = await value(await call('/api/v1/whoami', { headers: as(token) }))
    expect(caller).toStrictEqual({ id: `token:${name}`, role: 'viewer', projects: null, environments: null })
  })

  it('is refused at once after it was revoked, and when it has expired', async () => {
    const { token, id } = await mint({ role: 'viewer' })
    // In use, and so known without a look into storage.
    for (let n = 0; n < 3; n++)
      expect((await call('/api/v1/whoami', { headers: as(token) })).status).toBe(200)
    expect((await call(`/api/v1/tokens/${id}`, { method: 'DELETE' })).status).toBe(204)
    const refused = await problem(await call('/api/v1/whoami', { headers: as(token) }), 401)
    expect(refused.detail).toContain('revoked')

    const expiresAt = new Date(Date.now() + 300).toISOString()
    const brief = await mint({ role: 'viewer', expiresAt })
    expect((await call('/api/v1/whoami', { headers: as(brief.token) })).status).toBe(200)
    await expect
      .poll(async () => (await call('/api/v1/whoami', { headers: as(brief.token) })).status, {
        timeout: 5_000,
      })
      .toBe(401)
  })

  it('notes when it was last used', async () => {
    const { token, id } = await mint({ role: 'viewer' })
    await call('/api/v1/whoami', { headers: as(token) })
    const { items } = await value(await call('/api/v1/tokens'))
    const { lastUsedAt } = items.find((item: { id: string }) => item.id === id)
    expect(Math.abs(Date.parse(lastUsedAt) - Date.now())).toBeLessThan(60_000)
  })

  it('has a name that is never used again', async () => {
    const { name, id } = await mint({ role: 'viewer' })
    await call(`/api/v1/tokens/${id}`, { method: 'DELETE' })
    const again = await call('/api/v1/tokens', { body: { name, role: 'viewer' } })
    expect((await problem(again, 422)).errors).toMatchObject([{ path: '$.name' }])
  })

  it.each([
    [{ role: 'owner' }, '$.role'],
    [{ role: 'viewer', name: 'Not A Name' }, '$.name'],
    [{ role: 'viewer', environments: ['NOT'] }, '$.environments[0]'],
    [{ role: 'viewer', projects: [] }, '$.projects'],
    [{ role: 'viewer', expiresAt: 'tomorrow' }, '$.expiresAt'],
    [{ role: 'viewer', expiresAt: '2001-01-01T00:00:00Z' }, '$.expiresAt'],
    [{ role: 'viewer', admin: true }, '$.admin'],
  ])('with %j is refused, naming %s', async (body, path) => {
    const answer = await call('/api/v1/tokens', { body: { name: `bad-${++made}`, ...body } })
    expect((await problem(answer, 422)).errors.map((error) => error.path)).toContain(path)
  })

  it('may not give another one more than it may do itself', async () => {
    const { token } = await mint({ role: 'admin', projects: ['media'] })
    for (const wanted of [
      { role: 'viewer' },
      { role: 'viewer', projects: ['media', 'fraud'] },
      { role: 'viewer', environments: ['fraud.prod'] },
    ]) {
      const answer = await call('/api/v1/tokens', {
        body: { name: `more-${++made}`, ...wanted },
        headers: as(token),
      })
      await problem(answer, 403)
    }
    await mint({ role: 'admin', environments: ['media.prod'] }, token)
  })
})

describe('the bootstrap token', () => {
  it('opens the API whatever the stored tokens are', async () => {
    expect(await value(await call('/api/v1/whoami'))).toMatchObject({ id: 'bootstrap', role: 'admin' })
  })
})

describe('an unknown caller', () => {
  it.each(['', 'Bearer', 'Bearer tn_nobody', `Basic ${btoa(`x:${TOKEN}`)}`, `Bearer ${TOKEN}x`])(
    'with "%s" gets 401 and a challenge',
    async (authorization) => {
      const answer = await call('/api/v1/environments', { headers: { authorization } })
      expect(answer.headers.get('www-authenticate')).toContain('Bearer')
      await problem(answer, 401)
    },
  )
})

/** Every operation of the API, as its own description has them. */
async function operations(): Promise<{ method: string; path: string; role: Role }[]> {
  const page = await value(await call('/openapi.json'))
  return Object.entries<Record<string, { 'x-turnout-role'?: Role }>>(page.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => /^(get|put|post|patch|delete)$/.test(method) && path.startsWith('/api/v1'))
      .map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        role: operation['x-turnout-role']!,
      })),
  )
}

const inEnvironment = (path: string, name: string) =>
  path
    .replace('{env}', name)
    .replace('{target}', 'all-flags')
    .replace(/\{\w+\}/g, '1')

describe('every operation', () => {
  it('names a role, and refuses each lower one before it looks at anything else', async () => {
    const { name } = await environment()
    const tokens = Object.fromEntries(
      await Promise.all(ROLES.map(async (role) => [role, (await mint({ role })).token] as const)),
    ) as Record<Role, string>
    const all = await operations()
    expect(all.length).toBeGreaterThan(25)
    const wrong: string[] = []
    for (const { method, path, role } of all) {
      expect(ROLES, `${method} ${path}`).toContain(role)
      for (const lower of ROLES.slice(0, ROLES.indexOf(role))) {
        const answer = await call(inEnvironment(path, name), { method, headers: as(tokens[lower]) })
        if (answer.status !== 403) wrong.push(`${method} ${path} as ${lower}: ${answer.status}`)
        await answer.body?.cancel()
      }
    }
    expect(wrong).toStrictEqual([])
  })

  it('of an environment refuses a token of other environments or projects', async () => {
    const { name } = await environment()
    const strangers = [
      (await mint({ role: 'admin', environments: ['elsewhere'] })).token,
      (await mint({ role: 'admin', projects: ['elsewhere'] })).token,
      (await mint({ role: 'admin', projects: ['elsewhere'], environments: [name] })).token,
    ]
    const wrong: string[] = []
    for (const { method, path } of (await operations()).filter((one) => one.path.includes('{env}')))
      for (const [at, stranger] of strangers.entries()) {
        const answer = await call(inEnvironment(path, name), { method, headers: { ...ANY, ...as(stranger) } })
        if (answer.status !== 403) wrong.push(`${method} ${path} as stranger ${at}: ${answer.status}`)
        await answer.body?.cancel()
      }
    expect(wrong).toStrictEqual([])
  })

  it('that may be about one environment refuses a token of other environments or projects', async () => {
    const { name } = await environment()
    const strangers = [
      (await mint({ role: 'admin', environments: ['elsewhere'] })).token,
      (await mint({ role: 'admin', projects: ['elsewhere'] })).token,
    ]
    const asking = (await openApiPage()).operations.filter(({ parameters }) =>
      parameters.some((each) => each.in === 'query' && each.name === 'environment'),
    )
    expect(asking.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['listKeys', 'listAudit', 'listApprovals']),
    )
    const wrong: string[] = []
    for (const { method, path, id } of asking)
      for (const stranger of strangers) {
        const answer = await call(`${path}?environment=${name}`, { method, headers: as(stranger) })
        if (answer.status !== 403) wrong.push(`${id}: ${answer.status}`)
        await answer.body?.cancel()
      }
    expect(wrong).toStrictEqual([])
  })

  it('is allowed to a token of just that environment', async () => {
    const { name, api } = await environment({ flags: { beta: true } })
    const { token } = await mint({ role: 'editor', environments: [name] })
    const answer = await call(`${api}/flags/beta/toggle`, { body: { enabled: false }, headers: as(token) })
    expect(answer.status).toBe(200)
  })
})

describe('what is not in an address', () => {
  it('is held to the scope too: keys, lists and the audit log', async () => {
    const [mine, other] = [await environment(), await environment()]
    const { token } = await mint({ role: 'admin', environments: [mine.name] })
    const key = (name: string) =>
      call('/api/v1/keys', { body: { environment: name, kind: 'server', name: 'x' }, headers: as(token) })
    expect((await key(mine.name)).status).toBe(201)
    await problem(await key(other.name), 403)

    const foreign = await value(
      await call('/api/v1/keys', { body: { environment: other.name, kind: 'server', name: 'x' } }),
    )
    await problem(await call(`/api/v1/keys/${foreign.id}`, { method: 'DELETE', headers: as(token) }), 403)
    for (const path of [
      '/api/v1/keys?limit=1000',
      '/api/v1/environments?limit=1000',
      '/api/v1/audit?limit=1000',
    ]) {
      const text = await (await call(path, { headers: as(token) })).text()
      expect(text, path).toContain(mine.name)
      expect(text, path).not.toContain(other.name)
    }
    for (const chain of [other.name, '@control-plane'])
      await problem(await call(`/api/v1/audit?environment=${chain}`, { headers: as(token) }), 403)
    await problem(await call(`/api/v1/people`, { headers: as((await mint({ role: 'viewer' })).token) }), 403)
    const person = { method: 'PUT', body: { role: 'admin' }, headers: as(token) }
    await problem(await call('/api/v1/people/eve@example.com', person), 403)
  })

  it('is held to the scope too: tokens and people', async () => {
    const project = `media-${crypto.randomUUID().slice(0, 8)}`
    const { token, id } = await mint({ role: 'admin', projects: [project] })
    const inner = await mint({ role: 'editor', environments: [`${project}.prod`] }, token)
    await mint({ role: 'viewer', projects: [project, 'secret-project'] })
    await mint({ role: 'viewer', environments: ['secret-project.prod'] })
    const put = (email: string, body: object) => call(`/api/v1/people/${email}`, { method: 'PUT', body })
    await value(await put('ana@media.example', { role: 'editor', projects: [project] }))
    await value(await put('bob@secret.example', { role: 'editor', projects: ['secret-project'] }))
    const ids = async (list: string) => {
      const { items, nextCursor } = await value(await call(`/api/v1/${list}`, { headers: as(token) }))
      expect(nextCursor).toBeNull()
      return items.map((item: { id: string }) => item.id).sort()
    }
    expect(await ids('tokens?limit=2')).toStrictEqual([id, inner.id].sort())
    expect(await ids('people?limit=1')).toStrictEqual(['ana@media.example'])
  })

  it('a service is removed by the name that it was given, in its case', async () => {
    const id = `service:Deploy-${crypto.randomUUID()}`
    await value(await call(`/api/v1/people/${id}`, { method: 'PUT', body: { role: 'editor' } }))
    expect((await call(`/api/v1/people/${id.toLowerCase()}`, { method: 'DELETE' })).status).toBe(404)
    expect((await call(`/api/v1/people/${id}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('cannot be reached by creating an environment elsewhere', async () => {
    const { token } = await mint({ role: 'admin', projects: ['media'] })
    const create = (name: string) =>
      call(`/api/v1/environments/${name}`, { method: 'PUT', body: {}, headers: { ...NEW, ...as(token) } })
    expect((await create(`media.e${++made}`)).status).toBe(201)
    await problem(await create(`fraud.e${made}`), 403)
    await problem(await create(`plain-e${made}`), 403)
  })
})
