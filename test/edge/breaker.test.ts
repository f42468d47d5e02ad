/** One origin's circuit breaker, over outcomes and time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BREAKER_DEFAULTS, type BreakerSettings } from '../../engine/index.ts'
import { type AttemptOutcome, Breaker } from '../../worker/breaker.ts'

const START = 1_790_000_000_000
/** No jitter: the middle of its range. */
const MIDDLE = () => 0.5

function driven(settings: Partial<BreakerSettings> = {}) {
  const breaker = new Breaker({ ...BREAKER_DEFAULTS, ...settings })
  let nowMs = START
  return {
    breaker,
    /** Attempts that are over at once. */
    record(outcome: AttemptOutcome, times = 1) {
      for (let n = 0; n < times; n += 1) breaker.record(outcome, nowMs, nowMs, MIDDLE)
    },
    pass(ms: number) {
      nowMs += ms
    },
    now: () => nowMs,
    phase: () => breaker.phase(nowMs),
    /** Share of a thousand requests that it admits now. */
    share() {
      let admitted = 0
      for (let n = 0; n < 1_000; n += 1) if (breaker.admits(nowMs, () => n / 1_000)) admitted += 1
      return admitted / 1_000
    },
    openForMs: () => breaker.untilMs(nowMs)! - nowMs,
  }
}

describe('a closed breaker', () => {
  it('admits everything, whatever fails, below ten attempts', () => {
    const origin = driven()
    origin.record('failed', 9)
    expect(origin.phase()).toBe('closed')
    expect(origin.share()).toBe(1)
  })

  it('opens at ten attempts of which half failed', () => {
    const origin = driven()
    origin.record('ok', 5)
    origin.record('failed', 4)
    expect(origin.phase()).toBe('closed')
    origin.record('failed')
    expect(origin.phase()).toBe('open')
    expect(origin.share()).toBe(0)
  })

  it('stays closed where fewer than half failed', () => {
    const origin = driven()
    for (let n = 0; n < 200; n += 1) origin.record(n % 5 >= 3 ? 'failed' : 'ok')
    expect(origin.phase()).toBe('closed')
  })

  it('opens at five attempts in a row without any answer', () => {
    const origin = driven()
    origin.record('unreached', 4)
    origin.record('ok')
    origin.record('unreached', 4)
    expect(origin.phase()).toBe('closed')
    origin.record('unreached')
    expect(origin.phase()).toBe('open')
  })

  it('an answer, even a failure, ends a row without answers', () => {
    const origin = driven({ minimumRequests: 100 })
    origin.record('unreached', 4)
    origin.record('failed')
    origin.record('unreached', 4)
    expect(origin.phase()).toBe('closed')
  })

  it('forgets what is older than its window', () => {
    const origin = driven()
    origin.record('failed', 9)
    origin.pass(30_000)
    origin.record('failed')
    expect(origin.phase()).toBe('closed')
    expect(origin.breaker.window(origin.now())).toStrictEqual({ attempts: 1, failures: 1 })
  })

  it('counts what is just inside its window', () => {
    const origin = driven()
    origin.record('failed', 9)
    origin.pass(29_000)
    origin.record('failed')
    expect(origin.phase()).toBe('open')
  })

  it('goes on counting when the clock goes back', () => {
    const origin = driven()
    origin.record('failed', 5)
    origin.pass(-10_000)
    origin.record('failed', 5)
    expect(origin.phase()).toBe('open')
  })
})

describe('an open breaker', () => {
  const opened = () => {
    const origin = driven()
    origin.record('unreached', 5)
    return origin
  }

  it('admits nothing for its time, then a share that rises to everything', () => {
    const origin = opened()
    origin.pass(29_999)
    expect(origin.share()).toBe(0)
    origin.pass(1)
    expect(origin.phase()).toBe('recovering')
    expect(origin.share()).toBe(0)
    for (const tenth of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      origin.pass(1_000)
      expect(origin.share()).toBeCloseTo(tenth / 10, 2)
    }
    origin.pass(1_000)
    expect(origin.phase()).toBe('closed')
    expect(origin.share()).toBe(1)
  })

  it('closes with time alone, without anybody who asks', () => {
    const origin = opened()
    origin.pass(3_600_000)
    expect(origin.phase()).toBe('closed')
  })

  it('hears nothing of attempts that began before it opened', () => {
    const origin = opened()
    const began = origin.now() - 1
    origin.pass(31_000)
    for (let n = 0; n < 5; n += 1) origin.breaker.record('failed', began, origin.now(), MIDDLE)
    expect(origin.phase()).toBe('recovering')
  })

  it('opens again at the third failure while it recovers, for twice as long each time, up to its most', () => {
    const origin = opened()
    const lasted: number[] = []
    for (let time = 0; time < 6; time += 1) {
      lasted.push(origin.openForMs())
      origin.pass(origin.openForMs() + 5_000)
      origin.record('failed', 2)
      expect(origin.phase()).toBe('recovering')
      origin.record('failed')
      expect(origin.phase()).toBe('open')
    }
    expect(lasted).toStrictEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000])
  })

  it('forgets one doubling for each healthy minute', () => {
    const origin = opened()
    origin.pass(origin.openForMs() + 1)
    origin.record('failed', 3)
    origin.pass(origin.openForMs() + 1)
    origin.record('failed', 3)
    expect(origin.openForMs()).toBe(120_000)
    origin.pass(120_000 + 10_000)
    expect(origin.phase()).toBe('closed')
    origin.pass(60_000)
    origin.record('unreached', 5)
    expect(origin.openForMs()).toBe(120_000)
    origin.pass(120_000 + 10_000 + 240_000)
    origin.record('unreached', 5)
    expect(origin.openForMs()).toBe(30_000)
  })

  it('spreads the time open by a fifth to either side, and never above its most', () => {
    const openForMs = (chance: number, settings: Partial<BreakerSettings> = {}) => {
      const breaker = new Breaker({ ...BREAKER_DEFAULTS, ...settings })
      for (let n = 0; n < 5; n += 1) breaker.record('unreached', START, START, () => chance)
      return breaker.untilMs(START)! - START
    }
    expect(openForMs(0)).toBeCloseTo(24_000)
    expect(openForMs(1)).toBeCloseTo(36_000)
    expect(openForMs(1, { openMs: 300_000 })).toBe(300_000)
  })

  it('has no end to tell once it is over', () => {
    const origin = opened()
    origin.pass(30_000)
    expect(origin.breaker.untilMs(origin.now())).toBeNull()
  })
})

describe('what others have found', () => {
  it('opens a breaker that has too little to judge by', () => {
    const origin = driven()
    origin.record('ok', 9)
    origin.breaker.heard(origin.now() + 20_000, origin.now())
    expect(origin.openForMs()).toBe(20_000)
  })

  it('is not believed against ten attempts of its own', () => {
    const origin = driven()
    origin.record('ok', 10)
    origin.breaker.heard(origin.now() + 20_000, origin.now())
    expect(origin.phase()).toBe('closed')
  })

  it('neither lengthens nor shortens what is open, and holds no longer than the most', () => {
    const origin = driven()
    origin.record('unreached', 5)
    origin.breaker.heard(origin.now() + 200_000, origin.now())
    expect(origin.openForMs()).toBe(30_000)
    const other = driven()
    other.breaker.heard(other.now() + 9e9, other.now())
    expect(other.openForMs()).toBe(300_000)
    const late = driven()
    late.breaker.heard(late.now() - 1, late.now())
    expect(late.phase()).toBe('closed')
  })
})

describe('closed by hand', () => {
  it('admits everything at once, and knows nothing of what was', () => {
    const origin = driven()
    origin.record('unreached', 5)
    expect(origin.phase()).toBe('open')
    origin.breaker.close(origin.now())
    expect(origin.phase()).toBe('closed')
    expect(origin.breaker.window(origin.now())).toEqual({ attempts: 0, failures: 0 })
    origin.record('unreached', 5)
    expect(origin.openForMs()).toBe(30_000)
  })

  it('counts no attempt that began before', () => {
    const origin = driven()
    origin.breaker.close(origin.now())
    for (let n = 0; n < 5; n += 1)
      origin.breaker.record('unreached', origin.now() - 1, origin.now(), () => 0.5)
    expect(origin.phase()).toBe('closed')
  })

  it('believes others again only when they speak of what came after', () => {
    const origin = driven()
    const closedMs = origin.now()
    origin.breaker.close(closedMs)
    origin.breaker.heard(closedMs + 40_000, closedMs + 14_999)
    expect(origin.breaker.phase(closedMs + 14_999)).toBe('closed')
    origin.breaker.heard(closedMs + 40_000, closedMs + 15_000)
    expect(origin.breaker.phase(closedMs + 15_000)).toBe('open')
  })
})

describe('any history', () => {
  const step = fc.record({
    outcome: fc.constantFrom<AttemptOutcome>('ok', 'failed', 'unreached'),
    gapMs: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 400_000 })),
    chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  })

  it('counts exactly the attempts of its window that it judged by', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const breaker = new Breaker({ ...BREAKER_DEFAULTS, minimumRequests: 1e9, consecutiveFailures: 1e9 })
        const log: { second: number; failed: boolean }[] = []
        let nowMs = START
        for (const { outcome, gapMs, chance } of steps) {
          nowMs += gapMs
          breaker.record(outcome, nowMs, nowMs, () => chance)
          log.push({ second: Math.floor(nowMs / 1_000), failed: outcome !== 'ok' })
          const inside = log.filter(({ second }) => second > Math.floor(nowMs / 1_000) - 30)
          expect(breaker.window(nowMs)).toStrictEqual({
            attempts: inside.length,
            failures: inside.filter(({ failed }) => failed).length,
          })
        }
      }),
    )
  })

  it('always comes back: nothing stays open longer than its most', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const breaker = new Breaker()
        let nowMs = START
        for (const { outcome, gapMs, chance } of steps) {
          nowMs += gapMs
          breaker.record(outcome, nowMs, nowMs, () => chance)
          expect((breaker.untilMs(nowMs) ?? nowMs) - nowMs).toBeLessThanOrEqual(300_000)
        }
        expect(breaker.phase(nowMs + 310_000)).toBe('closed')
      }),
    )
  })
})
