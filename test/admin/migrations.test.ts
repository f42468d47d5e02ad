import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { ENVIRONMENT_MIGRATIONS, migrate } from '../../admin/objects/migrations.ts'
import { environment } from './client.ts'

/** Of the schema in which numbers of approvals, schedules, windows and freezes could be given twice. */
const EARLIER = 5

describe('the storage of an environment that an earlier version wrote', () => {
  it('keeps what waits, under its numbers, and gives none of them again', async () => {
    const { stub } = await environment()
    await runInDurableObject(stub, async (_instance, { storage }) => {
      const { sql } = storage
      await storage.deleteAlarm()
      await storage.deleteAll()
      migrate(storage, ENVIRONMENT_MIGRATIONS.slice(0, EARLIER))
      sql.exec("INSERT INTO approvals VALUES (3, 1, 2, 'pending', '{}')")
      sql.exec("INSERT INTO schedules VALUES (4, 10, 'waiting', '{}')")
      sql.exec("INSERT INTO windows VALUES (5, '{}')")
      sql.exec("INSERT INTO freezes VALUES (6, '{}')")
      migrate(storage, ENVIRONMENT_MIGRATIONS)
      const tables = ['approvals', 'schedules', 'windows', 'freezes']
      const numbers = () => tables.map((table) => sql.exec(`SELECT n FROM ${table}`).one().n)
      expect(numbers()).toStrictEqual([3, 4, 5, 6])
      for (const table of tables) sql.exec(`DELETE FROM ${table}`)
      sql.exec("INSERT INTO approvals (created_at, expires_at, status, entry) VALUES (1, 2, 'pending', '{}')")
      sql.exec("INSERT INTO schedules (due_at, status, entry) VALUES (10, 'waiting', '{}')")
      for (const table of ['windows', 'freezes']) sql.exec(`INSERT INTO ${table} (entry) VALUES ('{}')`)
      expect(numbers()).toStrictEqual([4, 5, 6, 7])
      // The second time there is nothing to do.
      migrate(storage, ENVIRONMENT_MIGRATIONS)
      expect(numbers()).toStrictEqual([4, 5, 6, 7])
    })
  })
})
