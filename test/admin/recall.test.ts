import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { auditHead } from '../../admin/storage/audit.ts'
import { readFreezes, readWindows } from '../../admin/storage/calendar.ts'
import { nextExpiryMs } from '../../admin/storage/kills.ts'
import { forget, recall, remember, transact } from '../../admin/storage/recall.ts'
import { nextScheduleMs } from '../../admin/storage/schedules.ts'
import { readKeys, readSettings } from '../../admin/storage/settings.ts'
import { readLineage, readState } from '../../admin/storage/state.ts'
import { ANY, call, environment, NEW, type TestEnvironment, value } from './client.ts'

const REMEMBERED = {
  readState,
  readLineage,
  readSettings,
  readKeys,
  readWindows,
  readFreezes,
  auditHead,
  nextExpiryMs,
  nextScheduleMs,
}

const answersOf = (sql: SqlStorage) =>
  Object.entries(REMEMBERED).map(([name, ask]) => {
    try {
      return [name, ask(sql)]
    } catch (thrown) {
      return [name, String(thrown)] // what a deleted environment no longer has
    }
  })

/** What the object remembers, then what its storage says. */
const bothOf = ({ stub }: TestEnvironment) =>
  runInDurableObject(stub, (_instance, { storage }) => {
    const remembered = answersOf(storage.sql)
    forget(storage.sql)
    return { remembered, stored: answersOf(storage.sql) }
  })

describe('what an object remembers', () => {
  it('is what its storage says, after every kind of change', async () => {
    const made = await environment({ flags: { beta: true } })
    const { name, api } = made
    const at = '2099-01-01T00:00:00Z'
    const kill = { reason: 'x', expiresAt: at }
    const window = { days: ['mon'], from: '00:00', to: '00:00', timeZone: 'UTC', reason: 'x' }
    let id = ''
    const keep = async (answer: Promise<Response>) => {
      id = (await value(await answer)).id
    }
    const send = async (path: string, method: string, body?: object, headers = {}) => {
      const answer = await call(path, { method, headers, ...(body === undefined ? {} : { body }) })
      expect(answer.ok, `${method} ${path}`).toBe(true)
    }
    const glass = { ...ANY, 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'moving' }
    const steps: (() => Promise<void>)[] = [
      () => send(api, 'PUT', { tier: 2 }, ANY),
      () => send(`${api}/flags/beta/toggle`, 'POST', { enabled: false }),
      () => keep(call('/api/v1/keys', { body: { environment: name, kind: 'server', name: 'x' } })),
      () => send(`/api/v1/keys/${id}`, 'DELETE'),
      () => keep(call('/api/v1/schedules', { body: { environment: name, at, flags: { beta: false } } })),
      () => send(`/api/v1/schedules/${id}`, 'DELETE'),
      () => send(`${api}/kills/flag:beta`, 'PUT', kill),
      () => send(`${api}/kills/flag:beta`, 'DELETE'),
      () => keep(call('/api/v1/windows', { body: { environment: name, ...window } })),
      () => send(`/api/v1/windows/${id}`, 'DELETE'),
      () => keep(call('/api/v1/freezes', { body: { environment: name, reason: 'x', from: at } })),
      () => send(`/api/v1/freezes/${id}`, 'DELETE'),
      () => send(`${api}/drill`, 'POST', {}),
      () => send(`${api}/kills/all-flags`, 'PUT', kill),
      () => send(api, 'DELETE', undefined, glass),
      () => send(api, 'PUT', {}, NEW),
    ]
    for (const step of steps) {
      await step()
      const { remembered, stored } = await bothOf(made)
      expect(remembered, step.toString()).toStrictEqual(stored)
    }
  })

  it('is nothing of a transaction that failed', async () => {
    const { stub } = await environment()
    await runInDurableObject(stub, (_instance, { storage }) => {
      const { sql } = storage
      const ask = () => recall(sql, 'a number', () => 1)
      expect(ask()).toBe(1)
      const failing = () =>
        transact(storage, () => {
          remember(sql, 'a number', 2)
          throw new Error('no')
        })
      expect(failing).toThrow('no')
      expect(ask()).toBe(1)
    })
  })
})
