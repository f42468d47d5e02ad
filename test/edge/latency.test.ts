/** P95 of an address over the last minute, and the budget of second tries. */
import { describe, expect, it } from 'vitest'
import { FailoverBudget } from '../../worker/failover-budget.ts'
import { Latency } from '../../worker/latency.ts'

const NOW = 1_790_000_010_000

describe('the P95 of an address', () => {
  const recorded = (...times: number[]) => {
    const latency = new Latency()
    for (const ms of times) latency.record(ms, NOW)
    return latency
  }

  it('is unknown below twenty attempts', () => {
    expect(recorded(...Array(19).fill(5)).p95Ms(NOW)).toBeNull()
    expect(recorded(...Array(20).fill(5)).p95Ms(NOW)).not.toBeNull()
  })

  it.each([1, 7, 120, 950, 4_800, 60_000])('is within a fifth: %i ms', (ms) => {
    const found = recorded(...Array(100).fill(ms)).p95Ms(NOW)!
    expect(found).toBeGreaterThanOrEqual(ms * 0.99)
    expect(found).toBeLessThanOrEqual(ms * 1.21)
  })

  it('does not see a twentieth that is slow, and sees more', () => {
    expect(recorded(...Array(95).fill(10), ...Array(5).fill(5_000)).p95Ms(NOW)).toBeLessThan(13)
    expect(recorded(...Array(94).fill(10), ...Array(6).fill(5_000)).p95Ms(NOW)).toBeGreaterThan(4_900)
  })

  it('takes what is longer than its longest, and times that a clock made negative', () => {
    expect(recorded(...Array(20).fill(9e9)).p95Ms(NOW)).toBeGreaterThan(250_000)
    expect(recorded(...Array(20).fill(-5)).p95Ms(NOW)).toBe(1)
  })

  it('forgets within a minute', () => {
    const latency = recorded(...Array(100).fill(900))
    expect(latency.p95Ms(NOW + 29_000)).not.toBeNull()
    expect(latency.p95Ms(NOW + 60_000)).toBeNull()
  })
})

describe('the budget of second tries', () => {
  const spend = (budget: FailoverBudget, nowMs: number, least?: number) => {
    let taken = 0
    while (taken < 1_000 && budget.take(nowMs, least)) taken += 1
    return taken
  }

  it('is ten in ten seconds, whatever the traffic', () => {
    const budget = new FailoverBudget()
    expect(spend(budget, NOW)).toBe(10)
    expect(spend(budget, NOW + 9_000)).toBe(0)
    expect(spend(budget, NOW + 10_000)).toBe(10)
  })

  it('is a fifth of the requests where that is more', () => {
    const budget = new FailoverBudget()
    for (let n = 0; n < 500; n += 1) budget.request(NOW)
    expect(spend(budget, NOW)).toBe(100)
  })

  it('is always enough to open the breaker', () => {
    expect(spend(new FailoverBudget(), NOW, 51)).toBe(51)
  })
})
