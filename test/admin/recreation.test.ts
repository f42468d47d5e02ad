import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { ANY, call, environment, NEW, value } from './client.ts'

describe('an environment that is deleted and made again', () => {
  it('begins anew: nothing waits, nothing is scheduled, and its first kill works', async () => {
    const { name, api, stub } = await environment({ flags: { beta: true } })
    const at = '2099-01-01T00:00:00Z'
    await value(await call('/api/v1/schedules', { body: { environment: name, at, flags: { beta: false } } }))
    await value(await call('/api/v1/freezes', { body: { environment: name, reason: 'x', from: at } }))
    await value(
      await call('/api/v1/windows', {
        body: { environment: name, days: ['mon'], from: '00:00', to: '00:00', timeZone: 'UTC', reason: 'x' },
      }),
    )
    await value(await call(`${api}/labels/first`, { method: 'PUT', body: { version: 1 } }).then(noContent))
    await value(await call(`${api}/kills/all-flags`, { method: 'PUT', body: { reason: 'x' } }))
    const glass = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'moving' }
    expect((await call(api, { method: 'DELETE', headers: glass })).status).toBe(204)

    expect((await call(api, { method: 'PUT', body: {}, headers: NEW })).status).toBe(201)
    await value(
      await call(`${api}/document`, { method: 'PUT', body: { flags: { beta: true } }, headers: ANY }),
    )
    for (const list of ['schedules', 'freezes', 'windows', 'approvals'])
      expect((await value(await call(`/api/v1/${list}?environment=${name}`))).items, list).toStrictEqual([])
    // Numbers go on: whoever still means the old freeze must not lift this one.
    const freeze = await call('/api/v1/freezes', { body: { environment: name, reason: 'y', from: at } })
    expect((await value(freeze)).id).toBe(`${name}:2`)
    expect((await call(`${api}/versions/first`)).status).toBe(404)
    expect((await call(`${api}/kills/flag:beta`, { method: 'PUT', body: { reason: 'x' } })).status).toBe(201)
    expect(await value(await call(`${api}/propagation?kill=1`))).toMatchObject({ kill: 1 })
    await runInDurableObject(stub, (_instance, state) => state.storage.setAlarm(Date.now() + 60_000))
    await runDurableObjectAlarm(stub)
    expect(await value(await call(`${api}/flags/beta`))).toBe(true)
    // What happened before is still in the log.
    const { items } = await value(await call(`/api/v1/audit?environment=${name}&action=environment.*`))
    expect(items.map(({ action }: { action: string }) => action)).toStrictEqual([
      'environment.created',
      'environment.deleted',
      'environment.created',
    ])
    expect((await value(await call(`/api/v1/audit/verify?environment=${name}`))).valid).toBe(true)
  })
})

/** An answer without a body, as one with. */
const noContent = (response: Response): Response => {
  expect(response.status).toBe(204)
  return Response.json(null)
}
