/** Windows and freezes as people write them: what is accepted, and every error with its path. */
import { describe, expect, it } from 'vitest'
import { MAX_WINDOWS, readFreeze, readWindows } from '../../admin/governance/calendar-form.ts'

const window = { days: ['mon', 'sun'], from: '09:00', to: '17:00', timeZone: 'Europe/Berlin' }
const freeze = { from: '2026-12-20T00:00:00+01:00', to: '2027-01-02T00:00:00Z', reason: 'Christmas' }

const issues = (result: ReturnType<typeof readWindows> | ReturnType<typeof readFreeze>) =>
  result.ok ? [] : result.error.map(({ path, message }) => `${path} ${message}`)

describe('windows', () => {
  it('are read as they are written', () => {
    expect(readWindows([window])).toStrictEqual({ ok: true, value: [window] })
    expect(readWindows([])).toStrictEqual({ ok: true, value: [] })
    expect(readWindows([{ ...window, timeZone: 'UTC', from: '22:00', to: '06:00' }]).ok).toBe(true)
  })

  it.each<[unknown, string]>([
    ['mon', '$ must be an array, got "mon"'],
    [
      [{ ...window, timeZone: 'Europe/Atlantis' }],
      '$[0].timeZone must be a time zone such as Europe/Berlin or UTC, got "Europe/Atlantis"',
    ],
    [[{ ...window, timeZone: '' }], '$[0].timeZone must be a time zone such as Europe/Berlin or UTC, got ""'],
    [[{ ...window, timeZone: 2 }], '$[0].timeZone must be a time zone such as Europe/Berlin or UTC, got 2'],
    [[window, { ...window, from: '9:00' }], '$[1].from must be a time from 00:00 to 23:59, got "9:00"'],
    [[{ ...window, to: '24:00' }], '$[0].to must be a time from 00:00 to 23:59, got "24:00"'],
    [[{ ...window, to: '12:60' }], '$[0].to must be a time from 00:00 to 23:59, got "12:60"'],
    [[{ ...window, days: [] }], '$[0].days must name at least one day'],
    [[{ ...window, days: 'mon' }], '$[0].days must be an array, got "mon"'],
    [
      [{ ...window, days: ['Monday'] }],
      '$[0].days[0] must be one of mon, tue, wed, thu, fri, sat, sun, got "Monday"',
    ],
    [[{ ...window, days: ['mon', 'tue', 'mon'] }], '$[0].days[2] mon is named twice'],
    [[{ days: ['mon'], from: '09:00', to: '17:00' }], '$[0].timeZone "timeZone" is required'],
    [[{ ...window, zone: 'UTC' }], '$[0].zone unknown field "zone"; known are days, from, to, timeZone'],
    [Array(MAX_WINDOWS + 1).fill(window), `$ must be at most ${MAX_WINDOWS} windows, got ${MAX_WINDOWS + 1}`],
  ])('that are wrong say so: %j', (value, expected) => {
    expect(issues(readWindows(value))).toStrictEqual([expected])
  })

  it('say everything that is wrong at once', () => {
    expect(issues(readWindows([{ days: [], from: 'x', to: 5, timeZone: null }, null]))).toHaveLength(5)
  })
})

describe('a freeze', () => {
  it('is read with its times', () => {
    expect(readFreeze(freeze)).toStrictEqual({
      ok: true,
      value: {
        fromMs: Date.parse('2026-12-19T23:00:00Z'),
        toMs: Date.parse('2027-01-02T00:00:00Z'),
        reason: 'Christmas',
      },
    })
  })

  it('without an end holds until it is lifted', () => {
    const { to: _, ...open } = freeze
    for (const value of [open, { ...open, to: null }])
      expect(readFreeze(value)).toMatchObject({ value: { toMs: null } })
  })

  it.each<[unknown, string]>([
    [null, '$ must be an object, got null'],
    [
      { ...freeze, from: 'tomorrow' },
      '$.from must be an RFC 3339 date-time, such as 2026-12-20T00:00:00Z, got "tomorrow"',
    ],
    [
      { ...freeze, to: '2026-02-30T00:00:00Z' },
      '$.to must be an RFC 3339 date-time, such as 2026-12-20T00:00:00Z, got "2026-02-30T00:00:00Z"',
    ],
    [{ ...freeze, to: freeze.from }, `$.to must be later than ${freeze.from}, got "${freeze.from}"`],
    [{ ...freeze, reason: ' ' }, '$.reason must be a text of 1 to 1000 characters, got " "'],
    [{ from: freeze.from }, '$.reason "reason" is required'],
    [{ ...freeze, until: null }, '$.until unknown field "until"; known are from, to, reason'],
  ])('that is wrong says so: %j', (value, expected) => {
    expect(issues(readFreeze(value))).toStrictEqual([expected])
  })
})
