import { describe, expect, it } from 'vitest'
import { DAYS, refusalAt, type Window, windowIssues } from '../../admin/governance/calendar.ts'

const at = (time: string) => Date.parse(time)
const BERLIN: Window = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '09:00',
  to: '17:00',
  timeZone: 'Europe/Berlin',
}

const opens = (windows: Window[], time: string) => {
  const refusal = refusalAt(windows, [], at(time))
  return refusal === null
    ? 'open'
    : refusal.opensAtMs === null
      ? 'never'
      : new Date(refusal.opensAtMs).toISOString()
}

describe('change windows', () => {
  it.each([
    ['2026-11-26T07:59:59Z', '2026-11-26T08:00:00.000Z'],
    ['2026-11-26T08:00:00Z', 'open'],
    ['2026-11-26T15:59:59Z', 'open'],
    ['2026-11-26T16:00:00Z', '2026-11-27T08:00:00.000Z'],
    ['2026-11-28T10:00:00Z', '2026-11-30T08:00:00.000Z'],
    // Summer time: an hour earlier.
    ['2026-07-01T06:59:00Z', '2026-07-01T07:00:00.000Z'],
    ['2026-07-01T07:00:00Z', 'open'],
  ])('are local times of their zone: at %s %s', (time, expected) => {
    expect(opens([BERLIN], time)).toBe(expected)
  })

  it('open at the right moment across the change to summer time', () => {
    const sunday: Window = { days: ['sun'], from: '03:00', to: '04:00', timeZone: 'Europe/Berlin' }
    expect(opens([sunday], '2026-03-29T00:30:00Z')).toBe('2026-03-29T01:00:00.000Z')
    // 02:30 does not exist on that day: a window from there opens when the clocks jump.
    const missing: Window = { ...sunday, from: '02:30', to: '03:30' }
    expect(opens([missing], '2026-03-29T00:59:00Z')).toBe('2026-03-29T01:00:00.000Z')
  })

  it('may cross midnight, and belong to the day on which they begin', () => {
    const night: Window = { days: ['fri'], from: '22:00', to: '02:00', timeZone: 'UTC' }
    expect(opens([night], '2026-11-27T23:00:00Z')).toBe('open')
    expect(opens([night], '2026-11-28T01:59:00Z')).toBe('open')
    expect(opens([night], '2026-11-28T02:00:00Z')).toBe('2026-12-04T22:00:00.000Z')
    expect(opens([night], '2026-11-27T01:00:00Z')).toBe('2026-11-27T22:00:00.000Z')
  })

  it('last a whole day where they end when they begin', () => {
    const whole: Window = { days: ['mon'], from: '00:00', to: '00:00', timeZone: 'UTC' }
    expect(opens([whole], '2026-11-23T00:00:00Z')).toBe('open')
    expect(opens([whole], '2026-11-23T23:59:00Z')).toBe('open')
    expect(opens([whole], '2026-11-24T00:00:00Z')).toBe('2026-11-30T00:00:00.000Z')
  })

  it('allow what any of them allows, and none allow everything', () => {
    const weekend: Window = { days: ['sat', 'sun'], from: '10:00', to: '11:00', timeZone: 'UTC' }
    expect(opens([BERLIN, weekend], '2026-11-28T10:30:00Z')).toBe('open')
    expect(refusalAt([], [], at('2026-11-28T03:00:00Z'))).toBeNull()
  })

  it('say what is wrong with them', () => {
    const bad = { days: ['mon', 'mon'], from: '9:00', to: '24:00', timeZone: 'Mars/Olympus' } as Window
    expect(windowIssues(bad).map(({ path }) => path)).toStrictEqual([
      '$.days',
      '$.from',
      '$.to',
      '$.timeZone',
    ])
    expect(windowIssues(BERLIN)).toStrictEqual([])
    expect(DAYS).toHaveLength(7)
  })
})

describe('freezes', () => {
  const freeze = (from: string, to: string | null) => ({
    fromMs: at(from),
    toMs: to === null ? null : at(to),
    reason: 'Black Friday',
  })

  it('refuse everything from their beginning to their end, and say why', () => {
    const freezes = [freeze('2026-11-26T00:00:00Z', '2026-11-30T00:00:00Z')]
    expect(refusalAt([], freezes, at('2026-11-25T23:59:59Z'))).toBeNull()
    expect(refusalAt([], freezes, at('2026-11-26T00:00:00Z'))).toStrictEqual({
      why: 'frozen',
      detail: 'changes are frozen until 2026-11-30T00:00:00.000Z: Black Friday',
      opensAtMs: at('2026-11-30T00:00:00Z'),
    })
    expect(refusalAt([], freezes, at('2026-11-30T00:00:00Z'))).toBeNull()
  })

  it('without an end open at no time that is known', () => {
    expect(refusalAt([], [freeze('2026-11-26T00:00:00Z', null)], at('2027-01-01T00:00:00Z'))).toMatchObject({
      why: 'frozen',
      opensAtMs: null,
    })
  })

  it('go before windows: the next opening is after both', () => {
    const freezes = [
      freeze('2026-11-26T00:00:00Z', '2026-11-27T12:00:00Z'),
      freeze('2026-11-27T10:00:00Z', '2026-11-27T16:30:00Z'),
    ]
    expect(refusalAt([BERLIN], freezes, at('2026-11-26T10:00:00Z'))?.opensAtMs).toBe(
      at('2026-11-30T08:00:00Z'),
    )
  })
})
