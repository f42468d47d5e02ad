/** Proof of arrival, held against what a client of the edge sees; and what is left of it when the control plane is gone for a while. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { admin, check } from '../helpers/client.ts'
import { type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const soon = { timeout: 30_000, interval: 50 }

let run: SplitRun
/** Requests that the edge answered from a snapshot. */
let answered = 0
beforeAll(async () => {
  run = await startSplitRun()
  await admin(run, '', { method: 'PUT', headers: { 'if-none-match': '*' }, body: { open: true } })
  const document = { flags: { shop: true } }
  await admin(run, '/document', { method: 'PUT', headers: { 'if-match': '*' }, body: document })
  await vi.waitFor(async () => expect(await ask()).toBe(true), soon)
})
afterAll(stopAll)

async function ask(): Promise<unknown> {
  const { status, body } = await check(run, 'shop')
  if (status !== 503) answered += 1
  return body.value
}

const landed = async (query: string) => (await admin(run, `/propagation?${query}`)).body

/** Asks every 20 ms until told to stop; gives every answer with when it was asked for and received. */
function traffic(): { stop(): Promise<{ value: unknown; askedMs: number; receivedMs: number }[]> } {
  const answers: { value: unknown; askedMs: number; receivedMs: number }[] = []
  let stopped = false
  const going = (async () => {
    while (!stopped) {
      const askedMs = Date.now()
      const value = await ask()
      answers.push({ value, askedMs, receivedMs: Date.now() })
      await new Promise((next) => setTimeout(next, 20))
    }
  })()
  return {
    async stop() {
      stopped = true
      await going
      return answers
    },
  }
}

describe('a control plane that is gone for a while', () => {
  test('counts every request once, and calls nothing complete before it has heard of everybody', async () => {
    const counted = async () => (await landed('')).locations[0]?.requests
    await expect.poll(counted, soon).toBe(answered)
    await run.killAdmin()
    const before = answered
    for (let n = 0; n < 25; n += 1) await ask()
    await run.startAdmin()
    const n = (await admin(run, '/drill', { method: 'POST' })).body.kill
    expect(await landed(`kill=${n}`)).toMatchObject({ complete: false, settling: ['local'] })
    await expect.poll(counted, soon).toBe(answered - before)
    // One more: what was counted twice would now be too much for ever.
    await ask()
    await expect.poll(counted, soon).toBe(answered - before)
    await expect
      .poll(async () => {
        await ask()
        return landed(`kill=${n}`)
      }, soon)
      .toMatchObject({ complete: true, settling: [], isolates: 1, reached: 1 })
  })
})

describe('a kill under traffic', () => {
  test('is proven by times that lie between the last wrong answer and the first right one', async () => {
    const requests = traffic()
    const { headers } = await admin(run, '/kills/flag:shop', { method: 'PUT', body: { reason: 'a test' } })
    const n = headers.get('x-turnout-kills')
    await expect.poll(() => landed(`kill=${n}`), soon).toMatchObject({ complete: true, timed: 1 })
    const answers = await requests.stop()
    const { publishedAt, maxMs, p50Ms, isolates, reached, locations, laggards, clockSkewMs } = await landed(
      `kill=${n}`,
    )
    expect({ isolates, reached, laggards, clockSkewMs }).toEqual({
      isolates: 1,
      reached: 1,
      laggards: [],
      clockSkewMs: 0,
    })
    expect(locations).toMatchObject([{ location: 'local', isolates: 1, reached: 1, timed: 1, maxMs }])
    expect(p50Ms).toBe(maxMs)
    const landedMs = Date.parse(publishedAt) + maxMs
    const lastWrong = answers.findLast(({ value }) => value === true)
    const firstRight = answers.find(({ value }) => value === false)
    expect(landedMs).toBeGreaterThanOrEqual(lastWrong!.askedMs)
    expect(landedMs).toBeLessThanOrEqual(firstRight!.receivedMs)
  })

  test('a drill is measured the same way, and changes no answer', async () => {
    const requests = traffic()
    const { status, body } = await admin(run, '/drill', { method: 'POST' })
    expect(status).toBe(202)
    await expect.poll(() => landed(`kill=${body.kill}`), soon).toMatchObject({ complete: true, timed: 1 })
    expect((await requests.stop()).filter(({ value }) => value !== false)).toEqual([])
  })
})
