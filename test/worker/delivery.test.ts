/** `GET /.turnout/snapshot`: what SDKs on servers evaluate by, and who gets it. */
import { describe, expect, it, vi } from 'vitest'
import { decodeDelivery, evaluate, prepare } from '../../engine/index.ts'
import { type Edge, problemOf, site, startEdge } from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'

const PATH = '/.turnout/snapshot'
const keyed = async () => startEdge(site(), { access: await access(), epoch: 3, version: 7 })
const get = (edge: Edge, headers: Record<string, string> = { 'x-api-key': SERVER_KEY }) =>
  edge.fetch(PATH, { headers })

describe('the snapshot for SDKs', () => {
  it('decides as the edge does', async () => {
    const edge = await keyed()
    edge.control.kill({ target: 'flag:release', variant: 'canary' })
    const response = await get(edge)
    expect(response.status).toBe(200)
    const decoded = decodeDelivery(await response.text())
    if (!decoded.ok) throw new Error(decoded.error)
    const { snapshot, kills } = decoded.value
    expect(evaluate(prepare(snapshot, kills), 'release', {})).toMatchObject({
      variant: 'canary',
      version: 7,
      killVersion: 1,
    })
    expect([snapshot.environment, snapshot.epoch, snapshot.version]).toStrictEqual(['test', 3, 7])
  })

  it('holds neither keys nor origins', async () => {
    const text = await (await get(await keyed())).text()
    expect(text).toContain('release')
    expect(text).not.toContain('stable.test')
    for (const { hash } of (await access()).keys) expect(text).not.toContain(hash)
  })

  it('is the same until a version or a kill comes, and then another', async () => {
    const edge = await keyed()
    const tag = (await get(edge)).headers.get('etag')!
    expect(tag).toBe('"3-7-0"')
    const again = await get(edge, { authorization: `Bearer ${SERVER_KEY}`, 'if-none-match': `W/${tag}` })
    expect([again.status, await again.text(), again.headers.get('etag')]).toStrictEqual([304, '', tag])
    edge.control.kill({ target: 'all-flags' })
    const asked = () => get(edge, { 'x-api-key': SERVER_KEY, 'if-none-match': tag })
    await vi.waitFor(async () => expect((await asked()).headers.get('etag')).toBe('"3-7-1"'), {
      timeout: 5_000,
      interval: 20,
    })
  })

  it('is kept by no shared cache', async () => {
    const response = await get(await keyed())
    expect(response.headers.get('cache-control')).toBe('private, no-cache')
    expect(response.headers.get('vary')).toBe('authorization, x-api-key')
  })

  it.each([
    ['no key', {}, 401],
    ['an unknown key', { 'x-api-key': 'guessed' }, 401],
    ['a client key', { 'x-api-key': CLIENT_KEY }, 403],
  ])('is refused to %s', async (_, headers, status) => {
    const response = await get(await keyed(), headers as Record<string, string>)
    expect((await problemOf(response)).status).toBe(status)
  })

  it('is refused to a server key in the URL', async () => {
    const edge = await keyed()
    expect((await edge.fetch(`${PATH}?key=${SERVER_KEY}`)).status).toBe(401)
  })

  it('is not opened by an open environment', async () => {
    const edge = await startEdge(site(), { access: { open: true, keys: [] }, env: { LOCAL: 'true' } })
    expect((await get(edge, {})).status).toBe(401)
  })

  it('says so while there is none', async () => {
    const edge = await startEdge(null, { env: { COLD_LOAD_TIMEOUT_MS: '20' } })
    const response = await get(edge)
    expect([response.status, response.headers.get('retry-after')]).toStrictEqual([503, '1'])
  })
})
