/** When a connection that stays is to end. */
import { describe, expect, it } from 'vitest'
import { Draining } from '../../worker/drain.ts'

const NOW = 1_790_000_000_000
const at = (variant: string | null, isKill = false) => ({ variant, isKill })

describe('a connection', () => {
  it('stays for as long as its visitor is given its variant, killed or not', () => {
    const draining = new Draining({ mode: 'immediate' }, 'canary', 0)
    expect(draining.isOver(at('canary'), NOW)).toBe(false)
    expect(draining.isOver(at('canary', true), NOW + 86_400_000)).toBe(false)
  })

  it.each([[at('stable')], [at(null)], [at('stable', true)]])(
    'ends at once, if it is to, with %j',
    (place) => {
      expect(new Draining({ mode: 'immediate' }, 'canary', 0.9).isOver(place, NOW)).toBe(true)
    },
  )

  it('ends gracefully at a moment of its own within the time, counted from the change', () => {
    const draining = new Draining({ mode: 'graceful', maxAgeSeconds: 60 }, 'canary', 0.5)
    expect(draining.isOver(at('canary'), NOW - 1_000_000)).toBe(false)
    expect(draining.isOver(at('stable'), NOW)).toBe(false)
    expect(draining.isOver(at(null), NOW + 29_999)).toBe(false)
    expect(draining.isOver(at('stable'), NOW + 30_000)).toBe(true)
  })

  it('has five minutes, where no time is given', () => {
    const draining = new Draining({ mode: 'graceful' }, 'canary', 0.999_999)
    expect(draining.isOver(at('stable'), NOW)).toBe(false)
    expect(draining.isOver(at('stable'), NOW + 299_000)).toBe(false)
    expect(draining.isOver(at('stable'), NOW + 300_000)).toBe(true)
  })

  it('does not wait for a kill', () => {
    const draining = new Draining({ mode: 'graceful' }, 'canary', 0.5)
    expect(draining.isOver(at('stable'), NOW)).toBe(false)
    expect(draining.isOver(at('stable', true), NOW + 1)).toBe(true)
  })

  it('may stay if its visitor is taken back in time', () => {
    const draining = new Draining({ mode: 'graceful', maxAgeSeconds: 60 }, 'canary', 0.5)
    expect(draining.isOver(at('stable'), NOW)).toBe(false)
    expect(draining.isOver(at('canary'), NOW + 20_000)).toBe(false)
    expect(draining.isOver(at('stable'), NOW + 40_000)).toBe(false)
    expect(draining.isOver(at('stable'), NOW + 69_999)).toBe(false)
    expect(draining.isOver(at('stable'), NOW + 70_000)).toBe(true)
  })
})
