/** A thousand listeners on one edge: all hear of a change, once each, and the edge still serves. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { admin, check } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const LISTENERS = 1_000
/** Opened at a time, so that the test's own machine keeps up. */
const AT_ONCE = 100

let run: LocalRun
beforeAll(async () => {
  run = await startLocalRun()
})
afterAll(stopAll)

interface Listener {
  /** Ids that it was told, in order. */
  readonly ids: string[]
  close(): void
}

async function listen(): Promise<Listener> {
  const closing = new AbortController()
  const { body } = await fetch(`${run.edgeUrl}/.turnout/stream`, { signal: closing.signal })
  const ids: string[] = []
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  const read = async (): Promise<void> => {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      for (const [, id] of part.value.matchAll(/^id: (.+)$/gm)) ids.push(id!)
  }
  // Ends with the test's own abort.
  read().catch(() => {})
  return { ids, close: () => closing.abort() }
}

describe('a thousand streams', () => {
  it('are all told of a change, once, while the edge goes on serving', async () => {
    const listeners: Listener[] = []
    while (listeners.length < LISTENERS)
      listeners.push(...(await Promise.all(Array.from({ length: AT_ONCE }, listen))))
    const lacking = (count: number) => listeners.filter(({ ids }) => ids.length < count).length
    await vi.waitFor(() => expect(lacking(1)).toBe(0), { timeout: 20_000, interval: 50 })
    const before = listeners[0]!.ids.at(-1)!
    const toggled = await admin(run, '/flags/maintenance_mode/toggle', {
      body: { enabled: true, reason: 'a test' },
    })
    const publishedMs = Date.now()
    expect(toggled.status).toBe(200)
    await vi.waitFor(() => expect(lacking(2)).toBe(0), { timeout: 20_000, interval: 50 })
    console.log(`${LISTENERS} listeners heard of a change within ${Date.now() - publishedMs} ms`)
    expect(new Set(listeners.map(({ ids }) => ids.join()))).toStrictEqual(
      new Set([`${before},${listeners[0]!.ids[1]}`]),
    )
    expect((await check(run, 'maintenance_mode')).body).toMatchObject({ value: true })
    for (const listener of listeners) listener.close()
    expect((await check(run, 'maintenance_mode')).status).toBe(200)
  })
})
