import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { AlarmClock } from '../../admin/objects/alarm-clock.ts'

/** Waits for what the clock asked of storage, and gives the alarm's time; refused times reject. */
async function alarmAfter(dueMs: number): Promise<number | null> {
  const stub = env.METRICS.getByName(`alarm-clock-${dueMs}`)
  return runInDurableObject(stub, async (_instance, ctx) => {
    const asked: Promise<unknown>[] = []
    const clock = new AlarmClock({
      storage: ctx.storage,
      waitUntil: (work: Promise<unknown>) => asked.push(work),
    } as unknown as DurableObjectState)
    clock.set(dueMs)
    await Promise.all(asked)
    return ctx.storage.getAlarm()
  })
}

describe('the alarm of an object', () => {
  it('is set for what is due later', async () => {
    const dueMs = Date.now() + 3_600_000
    expect(await alarmAfter(dueMs)).toBe(dueMs)
  })

  it('is set for what has been due since ever, which the platform would refuse', async () => {
    await expect(alarmAfter(0)).resolves.not.toThrow()
  })
})
