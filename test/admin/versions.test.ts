import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { ANY, call, environment, NEW, problem, type TestEnvironment, value } from './client.ts'

const rows = ({ stub }: TestEnvironment, table: string): Promise<number> =>
  runInDurableObject(stub, (_, { storage }) =>
    Number(storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n),
  )

const manyFlags = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`flag-${n}`, { enabled: true, percentage: n % 100 }]),
  )

describe('versions', () => {
  it('say who changed what and why, newest first', async () => {
    const { api } = await environment({ flags: { a: true, b: true } })
    await value(await call(`${api}/flags/a?reason=ticket%2012`, { method: 'PUT', body: false, headers: ANY }))
    const headers = { ...ANY, 'x-turnout-reason': 'clean up' }
    expect((await call(`${api}/flags/b`, { method: 'DELETE', headers })).status).toBe(204)
    const { items } = await value(await call(`${api}/versions`))
    expect(items).toEqual([
      expect.objectContaining({
        version: 4,
        actor: 'bootstrap',
        reason: 'clean up',
        changes: [{ kind: 'flag', key: 'b', change: 'removed' }],
      }),
      expect.objectContaining({
        version: 3,
        reason: 'ticket 12',
        changes: [{ kind: 'flag', key: 'a', change: 'changed' }],
      }),
      expect.objectContaining({ version: 2, reason: null, changeCount: 2 }),
      expect.objectContaining({
        version: 1,
        changes: [{ kind: 'settings', key: 'environment', change: 'added' }],
      }),
    ])
    const page = await value(await call(`${api}/versions?limit=3`))
    const last = await value(await call(`${api}/versions?limit=3&cursor=${page.nextCursor}`))
    expect([...page.items, ...last.items]).toEqual(items)
    expect(last.nextCursor).toBeNull()
  })

  it('keep the document as it was', async () => {
    const { api } = await environment({ flags: { a: true } })
    await value(await call(`${api}/flags/b`, { method: 'PUT', body: 'false', headers: NEW }))
    await value(await call(`${api}/flags/a/toggle`, { body: { enabled: false } }))
    const at = async (n: number) => (await value(await call(`${api}/versions/${n}`))).document
    expect(await at(1)).toEqual({ flags: {} })
    expect(await at(2)).toEqual({ flags: { a: true } })
    expect(await at(3)).toEqual({ flags: { a: true, b: false } })
    expect(await at(4)).toEqual({ flags: { a: false, b: false } })
    for (const n of ['5', '0', 'x', '1.5']) await problem(await call(`${api}/versions/${n}`), 404)
  })

  it('name the first changes in a list and all of them alone', async () => {
    const { api } = await environment({ flags: manyFlags(30) })
    const [newest] = (await value(await call(`${api}/versions`))).items
    expect(newest.changeCount).toBe(30)
    expect(newest.changes).toHaveLength(20)
    expect((await value(await call(`${api}/versions/2`))).changes).toHaveLength(30)
  })

  it('cost one row for a change of one flag', async () => {
    const env = await environment({ flags: manyFlags(200) })
    const before = await rows(env, 'entities')
    const bodies = await rows(env, 'bodies')
    await value(
      await call(`${env.api}/flags/flag-7`, { method: 'PATCH', body: { percentage: 99 }, headers: ANY }),
    )
    expect(await rows(env, 'entities')).toBe(before + 1)
    expect(await rows(env, 'bodies')).toBeLessThanOrEqual(bodies + 1)
    // Back to a text that is stored already: one more row, no more text.
    const again = await rows(env, 'bodies')
    await value(
      await call(`${env.api}/flags/flag-7`, { method: 'PATCH', body: { percentage: 7 }, headers: ANY }),
    )
    expect(await rows(env, 'entities')).toBe(before + 2)
    expect(await rows(env, 'bodies')).toBe(again)
  })

  it('are at most a thousand', async () => {
    const env = await environment({ flags: { a: true, b: true } })
    await runInDurableObject(env.stub, async (object) => {
      for (let n = 0; n < 1_005; n++)
        await object.edit(
          { do: 'toggle', key: 'a', enabled: n % 2 === 1 },
          { precondition: null, breakGlass: false },
          {
            actor: 'test',
            reason: null,
            requestId: null,
            address: null,
          },
        )
    })
    await runDurableObjectAlarm(env.stub)
    expect(await rows(env, 'versions')).toBe(1_000)
    const { version } = await value(await call(env.api))
    await problem(await call(`${env.api}/versions/${version - 1_000}`), 404)
    const oldest = await value(await call(`${env.api}/versions/${version - 999}`))
    expect(Object.keys(oldest.document.flags)).toEqual(['a', 'b'])
    expect(await rows(env, 'entities')).toBeLessThan(1_010)
  })

  it('are forgotten ninety days after they were replaced, with texts that only they had', async () => {
    const env = await environment({
      flags: { a: { enabled: true, description: 'only in version 2' }, b: true },
    })
    const later = (days: number) => {
      vi.useFakeTimers({ toFake: ['Date'] })
      vi.setSystemTime(Date.now() + days * 24 * 3600 * 1000)
    }
    try {
      later(200)
      await value(await call(`${env.api}/flags/a`, { method: 'PUT', body: true, headers: ANY }))
      await runDurableObjectAlarm(env.stub)
      // Version 2 is old, but was current until now: it can still be gone back to.
      expect((await call(`${env.api}/versions/2`)).status).toBe(200)
      await problem(await call(`${env.api}/versions/1`), 404)
      later(91)
      await value(await call(`${env.api}/flags/b`, { method: 'PUT', body: false, headers: ANY }))
      await runDurableObjectAlarm(env.stub)
      await problem(await call(`${env.api}/versions/2`), 404)
      expect((await value(await call(`${env.api}/versions/3`))).document).toEqual({
        flags: { a: true, b: true },
      })
    } finally {
      vi.useRealTimers()
    }
    const texts = await runInDurableObject(env.stub, (_, { storage }) =>
      [...storage.sql.exec<{ text: string }>('SELECT text FROM bodies')].map(({ text }) => text).join(),
    )
    expect(texts).not.toContain('only in version 2')
  })
})

describe('a restart', () => {
  it('loses nothing', async () => {
    const env = await environment({
      flags: { a: { enabled: true, percentage: 20 }, b: 'true' },
      segments: { testers: { include: ['user1'] } },
    })
    await value(await call(`${env.api}/kills/flag:b`, { method: 'PUT', body: { reason: 'x' } }))
    const everything = async () =>
      Promise.all(
        ['', '/document', '/flags', '/segments', '/kills', '/versions', '/versions/2'].map(async (path) => {
          const response = await call(`${env.api}${path}`)
          return [response.headers.get('etag'), await value(response)]
        }),
      )
    const before = await everything()
    await evictDurableObject(env.stub)
    expect(await everything()).toEqual(before)
    const edited = await call(`${env.api}/flags/a`, {
      method: 'PATCH',
      body: { percentage: 40 },
      headers: ANY,
    })
    expect(edited.headers.get('etag')).toBe('"v3"')
    expect(await value(await call(`${env.api}/document`))).toEqual({
      flags: { a: { enabled: true, percentage: 40 }, b: 'true' },
      segments: { testers: { include: ['user1'] } },
    })
  })
})
