/** Change windows as people write them: what is accepted, and every error with its path. */
import { describe, expect, it } from 'vitest'
import { windowIssues } from '../../admin/governance/calendar-form.ts'

const window = { days: ['mon', 'sun'], from: '09:00', to: '17:00', timeZone: 'Europe/Berlin' }

describe('a window', () => {
  it('is accepted as it is written', () => {
    expect(windowIssues(window)).toStrictEqual([])
    expect(windowIssues({ ...window, timeZone: 'UTC', from: '22:00', to: '06:00' })).toStrictEqual([])
  })

  it.each<[unknown, string]>([
    [
      { ...window, timeZone: 'Europe/Atlantis' },
      '$.timeZone must be a time zone such as Europe/Berlin or UTC, got "Europe/Atlantis"',
    ],
    [{ ...window, timeZone: '' }, '$.timeZone must be a time zone such as Europe/Berlin or UTC, got ""'],
    [{ ...window, timeZone: 2 }, '$.timeZone must be a time zone such as Europe/Berlin or UTC, got 2'],
    [{ ...window, from: '9:00' }, '$.from must be a time from 00:00 to 23:59, got "9:00"'],
    [{ ...window, to: '24:00' }, '$.to must be a time from 00:00 to 23:59, got "24:00"'],
    [{ ...window, to: '12:60' }, '$.to must be a time from 00:00 to 23:59, got "12:60"'],
    [{ ...window, days: [] }, '$.days must name at least one day'],
    [{ ...window, days: 'mon' }, '$.days must be an array, got "mon"'],
    [
      { ...window, days: ['Monday'] },
      '$.days[0] must be one of mon, tue, wed, thu, fri, sat, sun, got "Monday"',
    ],
    [{ ...window, days: ['mon', 'tue', 'mon'] }, '$.days[2] mon is named twice'],
    [{ days: ['mon'], from: '09:00', to: '17:00' }, '$.timeZone "timeZone" is required'],
    [{ ...window, zone: 'UTC' }, '$.zone unknown field "zone"; known are days, from, to, timeZone'],
  ])('that is wrong says so: %j', (value, expected) => {
    expect(windowIssues(value).map(({ path, message }) => `${path} ${message}`)).toStrictEqual([expected])
  })
})
