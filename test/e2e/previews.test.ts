/** A preview from its making to its end, through the real control plane and the real edge. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { admin } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

let run: LocalRun

beforeAll(async () => {
  run = await startLocalRun()
})
afterAll(stopAll)

const made = async () => {
  const body = { route: 'shop', variant: 'canary', host: new URL(run.edgeUrl).host, path: '/cart' }
  const { status, body: preview } = await admin(run, '/previews', { body })
  expect(status).toBe(201)
  return preview
}
/** Opens a link as a browser does: its cookie goes along. */
async function opened(url: string): Promise<Response> {
  const link = await fetch(url, { redirect: 'manual' })
  if (link.status !== 302) return link
  const cookie = link.headers.getSetCookie()[0]!.split(';')[0]!
  return fetch(new URL(link.headers.get('location')!, run.edgeUrl), { headers: { cookie } })
}
const variant = (response: Response) => response.headers.get('x-turnout-variant')
const soon = { interval: 100 }

describe('a preview', () => {
  test('shows its variant to every visitor who opens the link, until it is revoked', async () => {
    const { id, url, cookie } = await made()
    await vi.waitFor(async () => expect((await opened(url)).status).toBe(200), soon)
    // Nine of ten visitors are given the other side: ten in a row are the preview's doing.
    const all = await Promise.all(Array.from({ length: 10 }, async () => variant(await opened(url))))
    expect(all).toEqual(Array(10).fill('canary'))
    const byCookie = await fetch(`${run.edgeUrl}/cart`, { headers: { cookie } })
    expect([variant(byCookie), byCookie.headers.get('x-turnout-reason')]).toEqual(['canary', 'STATIC'])
    expect((await admin(run, `/previews/${id}`, { method: 'DELETE' })).status).toBe(204)
    await vi.waitFor(async () => expect((await opened(url)).status).toBe(403), soon)
    expect((await (await opened(url)).json()) as object).toMatchObject({
      detail: expect.stringContaining('was revoked'),
    })
  })

  test('outlives a rotation of the key, unless that ends all', async () => {
    const { url } = await made()
    const rotated = async (endAll: boolean) =>
      (await admin(run, '/preview-key/rotate', { body: { endAll } })).headers.get('x-turnout-version')
    const landed = async (version: string | null) =>
      vi.waitFor(async () => {
        const response = await fetch(`${run.edgeUrl}/.turnout/health/ready`)
        expect(((await response.json()) as { version: number }).version).toBe(Number(version))
      }, soon)
    await landed(await rotated(false))
    expect((await opened(url)).status).toBe(200)
    expect((await opened((await made()).url)).status).toBe(200)
    await landed(await rotated(true))
    const refused = await opened(url)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('retry-after')).toBe('2')
  })
})
