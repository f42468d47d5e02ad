/** How long AWS is waited for: all of the budget while it is heard of, and much less while it is not. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Calls } from '../../../admin/storage/aws/calls.ts'

const BUDGET = { allMs: 10_000, silenceMs: 3_000 }

/** Time that passes by waiting alone. */
function clock() {
  let nowMs = 1_000_000
  const startedAtMs = nowMs
  const pass = (ms: number) => {
    nowMs += ms
  }
  return {
    timing: { nowMs: () => nowMs, random: () => 0.5, wait: async (ms: number) => pass(ms) },
    pass,
    passedMs: () => nowMs - startedAtMs,
  }
}

const failing = (name: string, httpStatusCode?: number) => () =>
  Promise.reject(Object.assign(new Error(name), { name, $metadata: { httpStatusCode } }))

afterEach(() => vi.restoreAllMocks())

describe('a call of AWS', () => {
  it.each([
    ['connections are refused', failing('TypeError')],
    ['it answers with faults of its own', failing('InternalServerError', 500)],
  ])('is given up after the silence that is allowed, not after the budget: %s', async (_, attempt) => {
    const { timing, passedMs } = clock()
    const calls = new Calls(timing).within(BUDGET)
    await expect(calls.run('ssm:PutParameter', attempt)).rejects.toThrow('ssm:PutParameter')
    expect(passedMs()).toBeGreaterThan(1_000)
    expect(passedMs()).toBeLessThanOrEqual(BUDGET.silenceMs)
  })

  it('that throttles is heard of: it gets the whole budget', async () => {
    const { timing, passedMs } = clock()
    const calls = new Calls(timing).within(BUDGET)
    await expect(calls.run('ssm:PutParameter', failing('ThrottlingException', 400))).rejects.toThrow(
      'AWS throttles ssm:PutParameter',
    )
    expect(passedMs()).toBeGreaterThan(5_000)
    expect(passedMs()).toBeLessThanOrEqual(BUDGET.allMs)
  })

  it('backs off longer each time, and not all callers in step', async () => {
    const waits: number[] = []
    const { timing } = clock()
    const wait = (ms: number) => {
      waits.push(ms)
      return timing.wait(ms)
    }
    const randoms = [0, 0.999, 0, 0.999]
    const calls = new Calls({ ...timing, wait, random: () => randoms.shift() ?? 0 }).within(BUDGET)
    await calls.run('x', failing('ThrottlingException', 400)).catch(() => {})
    const backoffs = waits.filter((ms) => ms > 100)
    expect(backoffs.slice(0, 4).map(Math.round)).toEqual([200, 800, 800, 3198])
  })

  it('is not waited for beyond the silence when nothing comes at all', async () => {
    const { timing, pass, passedMs } = clock()
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const out = new AbortController()
      queueMicrotask(() => {
        pass(ms)
        out.abort(new DOMException('timed out', 'TimeoutError'))
      })
      return out.signal
    })
    const calls = new Calls(timing).within(BUDGET)
    await expect(calls.run('ssm:GetParameters', () => new Promise(() => {}))).rejects.toThrow(
      'ssm:GetParameters was not answered (timed out)',
    )
    expect(passedMs()).toBe(BUDGET.silenceMs)
  })

  it('that succeeds begins the silence anew', async () => {
    const { timing, pass, passedMs } = clock()
    const calls = new Calls(timing).within(BUDGET)
    for (let n = 0; n < 3; n++) {
      pass(2_000)
      await calls.run('x', async () => 'well')
    }
    await expect(calls.run('x', failing('TypeError'))).rejects.toThrow('x was not answered')
    expect(passedMs()).toBeGreaterThan(7_000)
  })
})
