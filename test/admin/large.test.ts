import { evictDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { decodeSnapshot } from '../../engine/index.ts'
import { ANY, call, environment, value } from './client.ts'

describe('a large document', () => {
  it('of 10 000 flags is published, edited, read back and survives an eviction', async () => {
    const keys = Array.from({ length: 10_000 }, (_, n) => `flag-${String(n).padStart(5, '0')}`)
    const flags = Object.fromEntries(
      keys.map((key, n) => [
        key,
        {
          enabled: true,
          percentage: n % 100,
          allowlist: [`user-${n}`],
          description: `Flag ${n}: ${'x'.repeat(400)}`,
        },
      ]),
    )
    const { api, stub } = await environment({ flags })
    const edited = await call(`${api}/flags/flag-05000`, {
      method: 'PATCH',
      body: { percentage: 77 },
      headers: ANY,
    })
    expect(edited.headers.get('etag')).toBe('"v3"')
    await evictDurableObject(stub)
    const document = await value(await call(`${api}/document`))
    expect(document).toEqual({
      flags: { ...flags, 'flag-05000': { ...flags['flag-05000'], percentage: 77 } },
    })
    const read = await stub.read({ epoch: 0, snapshot: 0, kills: 0 })
    if (!read.ok) throw new Error('no environment')
    const snapshot = await stub.snapshot(read.value.epoch, 3)
    const decoded = snapshot.ok ? decodeSnapshot(snapshot.value) : null
    expect(decoded?.ok && decoded.value.flags.size).toBe(10_000)
    const page = await value(await call(`${api}/flags?limit=1000`))
    expect(page.items).toHaveLength(1_000)
  })

  it('whose one flag is larger than a row keeps every character', async () => {
    // Characters of one to four bytes, so that parts are cut between all kinds of neighbours.
    const description = 'aé漢😀'.repeat(250_000)
    const { api, stub } = await environment({ flags: { long: { enabled: true, description } } })
    await evictDurableObject(stub)
    const { flags } = await value(await call(`${api}/document`))
    expect(flags.long.description === description).toBe(true)
    expect((await value(await call(`${api}/flags/long`))).description === description).toBe(true)
  })
})
