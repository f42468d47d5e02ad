/** That the Worker's runtime knows time zones as the tests on Node do: change windows are told by the clock on the wall. */
import { describe, expect, it } from 'vitest'
import { mayChange, type Window } from '../../admin/governance/calendar.ts'
import { isTimeZone } from '../../admin/governance/local-time.ts'

describe('time zones in the runtime', () => {
  it.each([
    ['Europe/Berlin', '2026-01-12T08:00:00Z', '2026-07-13T07:00:00Z'],
    ['America/New_York', '2026-01-12T14:00:00Z', '2026-07-13T13:00:00Z'],
    ['Asia/Kathmandu', '2026-01-12T03:15:00Z', '2026-07-13T03:15:00Z'],
  ])('%s opens at nine in winter and in summer', (timeZone, winter, summer) => {
    const window: Window = { days: ['mon'], from: '09:00', to: '10:00', timeZone }
    for (const opening of [winter, summer].map((text) => Date.parse(text))) {
      expect(mayChange([window], [], opening).ok).toBe(true)
      expect(mayChange([window], [], opening - 1)).toMatchObject({ error: { opensAtMs: opening } })
    }
  })

  it('are told from names that are none', () => {
    expect(['Europe/Berlin', 'UTC', 'Europe/Atlantis', ''].map(isTimeZone)).toStrictEqual([
      true,
      true,
      false,
      false,
    ])
  })
})
