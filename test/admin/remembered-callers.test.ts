import { runInDurableObject } from 'cloudflare:test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Recognition } from '../../admin/objects/access.ts'
import { Callers } from '../../admin/objects/callers.ts'
import { EnvironmentObject } from '../../admin/objects/environment.ts'
import { ProjectObject } from '../../admin/objects/project.ts'
import { Throttle } from '../../admin/throttle.ts'
import { call, environment, problem, value } from './client.ts'

const NOW = 1_800_000_000_000
const HOLDER: Recognition = {
  principal: { id: 'token:ci', role: 'operator', projects: null, environments: null },
  expiresAtMs: null,
}

/** Callers of an object, and how often it asked who they are. */
function remembering(answer: () => Recognition | Promise<Recognition>, perSecond = 0) {
  const recognize = vi.fn(async () => answer())
  return { recognize, callers: new Callers(recognize, () => true, new Throttle(perSecond)) }
}

describe('an object that remembers callers', () => {
  it('asks once, and again after a minute', async () => {
    const { callers, recognize } = remembering(() => HOLDER)
    for (const afterMs of [0, 1, 59_999])
      expect(await callers.refusalOf('hash', 'all-else', NOW + afterMs)).toBeNull()
    expect(recognize).toHaveBeenCalledTimes(1)
    await callers.refusalOf('hash', 'all-else', NOW + 60_000)
    expect(recognize).toHaveBeenCalledTimes(2)
  })

  it('answers at once while it remembers', async () => {
    const { callers } = remembering(() => HOLDER)
    await callers.refusalOf('hash', 'all-else', NOW)
    expect(callers.refusalOf('hash', 'all-else', NOW)).toBeNull()
  })

  it('knows each by the own token alone', async () => {
    const { callers, recognize } = remembering(() => HOLDER)
    await callers.refusalOf('hash', 'all-else', NOW)
    await callers.refusalOf('other', 'all-else', NOW)
    expect(recognize.mock.calls).toEqual([['hash'], ['other']])
  })

  it('does not remember for longer than the token holds', async () => {
    const { callers, recognize } = remembering(() => ({ ...HOLDER, expiresAtMs: NOW + 10 }))
    await callers.refusalOf('hash', 'all-else', NOW)
    recognize.mockResolvedValue({ refused: 'expired' })
    expect(callers.refusalOf('hash', 'all-else', NOW + 9)).toBeNull()
    expect(await callers.refusalOf('hash', 'all-else', NOW + 10)).toEqual({ refused: 'expired' })
  })

  it.each(['unknown', 'expired', 'revoked'] as const)('remembers nobody who is %s', async (refused) => {
    const { callers, recognize } = remembering(() => ({ refused }))
    expect(await callers.refusalOf('hash', 'all-else', NOW)).toEqual({ refused })
    await callers.refusalOf('hash', 'all-else', NOW)
    expect(recognize).toHaveBeenCalledTimes(2)
  })

  it('remembers nobody as long as it is told nothing', async () => {
    const recognize = vi.fn(async () => HOLDER)
    let isTold = false
    const callers = new Callers(recognize, () => isTold, new Throttle(0))
    for (let n = 0; n < 2; n += 1) await callers.refusalOf('hash', 'all-else', NOW)
    const refusal = callers.refusalOf('hash', 'all-else', NOW)
    isTold = true
    await refusal
    await callers.refusalOf('hash', 'all-else', NOW)
    expect(recognize).toHaveBeenCalledTimes(4)
    expect(callers.refusalOf('hash', 'all-else', NOW)).toBeNull()
  })

  it('asks again after it was told to forget', async () => {
    const { callers, recognize } = remembering(() => HOLDER)
    await callers.refusalOf('hash', 'all-else', NOW)
    callers.forget()
    recognize.mockResolvedValue({ refused: 'revoked' })
    expect(await callers.refusalOf('hash', 'all-else', NOW)).toEqual({ refused: 'revoked' })
  })

  it('does not believe an answer that it was told to forget while it waited for it', async () => {
    const answers = [Promise.withResolvers<Recognition>(), Promise.withResolvers<Recognition>()]
    let asked = 0
    const { callers } = remembering(() => answers[asked++]!.promise)
    const refusal = callers.refusalOf('hash', 'all-else', NOW)
    callers.forget()
    answers[0]!.resolve(HOLDER)
    answers[1]!.resolve({ refused: 'revoked' })
    expect(await refusal).toEqual({ refused: 'revoked' })
  })

  it('holds each to the number of calls in a second, the first one too', async () => {
    const { callers } = remembering(() => HOLDER, 2)
    expect(await callers.refusalOf('hash', 'all-else', NOW)).toBeNull()
    expect(await callers.refusalOf('hash', 'all-else', NOW)).toBeNull()
    expect(await callers.refusalOf('hash', 'all-else', NOW)).toEqual({ refused: 'throttled', waitMs: 500 })
    expect(await callers.refusalOf('hash', 'toggles', NOW)).toBeNull()
    expect(await callers.refusalOf('hash', 'all-else', NOW + 500)).toBeNull()
  })
})

const as = (token: string) => ({ authorization: `Bearer ${token}` })

const mint = async (given: object = {}) =>
  value(
    await call('/api/v1/tokens', {
      body: { name: `r-${crypto.randomUUID().slice(0, 8)}`, role: 'editor', ...given },
    }),
  )

/** An environment with a flag, and a token that it and this isolate remember. */
async function remembered(given: object = {}) {
  const { api, stub } = await environment({ flags: { checkout: { enabled: true } } })
  const { token, id } = await mint(given)
  const flag = `${api}/flags/checkout`
  for (let n = 0; n < 2; n++) await value(await call(flag, { headers: as(token) }))
  const revoke = () => call(`/api/v1/tokens/${id}`, { method: 'DELETE' })
  return { api, flag, stub, token, id, revoke }
}

afterEach(() => vi.restoreAllMocks())

describe('a token that an environment remembers', () => {
  it('is not asked about again', async () => {
    const { flag, token } = await remembered()
    const recognize = vi.spyOn(ProjectObject.prototype, 'recognize')
    const vouch = vi.spyOn(ProjectObject.prototype, 'vouch')
    await value(await call(`${flag}/toggle`, { body: { enabled: false }, headers: as(token) }))
    await value(await call(flag, { headers: as(token) }))
    expect(recognize).not.toHaveBeenCalled()
    expect(vouch).not.toHaveBeenCalled()
    await value(await call('/api/v1/whoami', { headers: as(token) }))
    expect(recognize).toHaveBeenCalledOnce()
  })

  it('opens nothing any more as soon as its revocation is answered', async () => {
    const { api, flag, token, revoke } = await remembered()
    expect((await revoke()).status).toBe(204)
    const toggle = await call(`${flag}/toggle`, { body: { enabled: false }, headers: as(token) })
    expect((await problem(toggle, 401)).detail).toContain('revoked')
    for (const path of [flag, `${api}/flags`, `${api}/segments/none`, `${api}/kills`, '/api/v1/whoami'])
      await problem(await call(path, { headers: as(token) }), 401)
    expect(await value(await call(flag))).toMatchObject({ enabled: true })
  })

  it('opens nothing in an environment that was made after the token had asked for it', async () => {
    const { flag, token, revoke } = await remembered()
    const api = `/api/v1/environments/later-${crypto.randomUUID().slice(0, 8)}`
    await problem(await call(`${api}/flags`, { headers: as(token) }), 404)
    await call(api, { method: 'PUT', body: {}, headers: { 'if-none-match': '*' } })
    expect((await revoke()).status).toBe(204)
    for (const path of [`${api}/flags`, flag]) await problem(await call(path, { headers: as(token) }), 401)
  })

  it('is told after its revocation nothing else than that: not what is wrong with what it asks for, nor what there is', async () => {
    const { api, flag, token, revoke } = await remembered({ role: 'operator' })
    await revoke()
    const asked = [
      call(`${flag}/toggle`, { body: '{', headers: as(token) }),
      call(`${flag}/toggle`, { body: { enabled: 'no' }, headers: as(token) }),
      call(flag, { method: 'DELETE', headers: as(token) }),
      call(`${api}/flags?limit=none`, { headers: as(token) }),
      call('/api/v1/environments/nowhere/flags/checkout', { headers: as(token) }),
      call(`${api}/flags/checkout/other`, { headers: as(token) }),
    ]
    for (const answer of asked) await problem(await answer, 401)
  })

  it('is told what is wrong with what it asks for while it holds', async () => {
    const { api, flag, token } = await remembered({ role: 'operator' })
    await problem(await call(`${flag}/toggle`, { body: '{', headers: as(token) }), 400)
    await problem(await call(flag, { method: 'DELETE', headers: as(token) }), 403)
    await problem(await call(`${api}/flags/other`, { headers: as(token) }), 404)
    await problem(await call('/api/v1/environments/nowhere/flags/checkout', { headers: as(token) }), 404)
  })

  it('has expired for everybody at once', async () => {
    const expiresAt = new Date(Date.now() + 3_000).toISOString()
    const { flag, token } = await remembered({ expiresAt })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(expiresAt) })
    try {
      const refused = await problem(await call(flag, { headers: as(token) }), 401)
      expect(refused.detail).toContain('expired')
    } finally {
      vi.useRealTimers()
    }
  })

  it('may be revoked while an environment cannot be told, which the answer says, and the next attempt makes good', async () => {
    const { flag, token, id, revoke } = await remembered()
    const forget = vi.spyOn(EnvironmentObject.prototype, 'forgetCallers').mockImplementation(() => {
      throw new Error('unreachable')
    })
    expect((await problem(await revoke(), 503)).detail).toContain('revoked, but')
    forget.mockRestore()
    const listed = await value(await call('/api/v1/tokens'))
    expect(listed.items.find((item: { id: string }) => item.id === id).revokedAt).not.toBeNull()
    expect((await revoke()).status).toBe(204)
    await problem(await call(flag, { headers: as(token) }), 401)
  })

  it('reaches three questions of the object, and no more', async () => {
    const { stub } = await remembered()
    await runInDurableObject(stub, async (object) => {
      const asked = object.admit('hash', 'all-else', 'remove' as 'edit', [] as never)
      await expect(asked).rejects.toThrow('not asked through admit')
    })
  })
})
