/** When changes may be made, by the clock on the wall: across midnight, when clocks are set, and under freezes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Closed, DAYS, type Freeze, mayChange, type Window } from '../../admin/governance/calendar.ts'

const at = (text: string): number => Date.parse(text)
const window = (fields: Partial<Window> = {}): Window => ({
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '09:00',
  to: '17:00',
  timeZone: 'Europe/Berlin',
  ...fields,
})

function closed(windows: readonly Window[], freezes: readonly Freeze[], now: string): Closed | null {
  const answer = mayChange(windows, freezes, at(now))
  return answer.ok ? null : answer.error
}

/** When it opens, as text, `open` now, or `null` for never. */
function opens(windows: readonly Window[], now: string, freezes: readonly Freeze[] = []): string | null {
  const refused = closed(windows, freezes, now)
  if (refused === null) return 'open'
  return refused.opensAtMs === null ? null : new Date(refused.opensAtMs).toISOString().replace('.000Z', 'Z')
}

describe('a window', () => {
  it.each([
    ['2026-01-12T07:59:59Z', '2026-01-12T08:00:00Z', 'a second before it, on a Monday in winter'],
    ['2026-01-12T08:00:00Z', 'open', 'its first instant'],
    ['2026-01-12T15:59:59.999Z', 'open', 'its last instant'],
    ['2026-01-12T16:00:00Z', '2026-01-13T08:00:00Z', 'the first instant after it'],
    ['2026-07-13T06:59:59Z', '2026-07-13T07:00:00Z', 'a second before it, in summer'],
    ['2026-01-16T16:00:00Z', '2026-01-19T08:00:00Z', 'Friday evening'],
    ['2026-01-18T12:00:00Z', '2026-01-19T08:00:00Z', 'Sunday'],
  ])('at %s: %s (%s)', (now, expected) => {
    expect(opens([window()], now)).toBe(expected)
  })

  const night = window({ days: ['fri'], from: '22:00', to: '06:00', timeZone: 'UTC' })
  it.each([
    ['2026-01-16T21:59:00Z', '2026-01-16T22:00:00Z'],
    ['2026-01-16T22:00:00Z', 'open'],
    ['2026-01-17T05:59:00Z', 'open'],
    ['2026-01-17T06:00:00Z', '2026-01-23T22:00:00Z'],
    ['2026-01-17T22:30:00Z', '2026-01-23T22:00:00Z'],
    ['2026-01-16T05:00:00Z', '2026-01-16T22:00:00Z'],
  ])('across midnight belongs to the day on which it opens: %s: %s', (now, expected) => {
    expect(opens([night], now)).toBe(expected)
  })

  it('that ends when it begins lasts a day', () => {
    const day = window({ days: ['wed'], from: '12:00', to: '12:00', timeZone: 'UTC' })
    expect(opens([day], '2026-01-14T11:59:00Z')).toBe('2026-01-14T12:00:00Z')
    expect(opens([day], '2026-01-15T11:59:00Z')).toBe('open')
    expect(opens([day], '2026-01-15T12:00:00Z')).toBe('2026-01-21T12:00:00Z')
  })

  it('is one of several: any may be open', () => {
    const others = [window(), window({ days: ['sat'], from: '10:00', to: '11:00' })]
    expect(opens(others, '2026-01-16T16:00:00Z')).toBe('2026-01-17T09:00:00Z')
    expect(opens(others, '2026-01-17T09:30:00Z')).toBe('open')
  })

  it('is needed by nobody who has none', () => {
    expect(opens([], '2026-01-17T03:00:00Z')).toBe('open')
  })

  it('goes by a clock that is ahead by 45 minutes, or a day', () => {
    const early = { days: ['mon'] as const, from: '09:00', to: '10:00' }
    expect(opens([window({ ...early, timeZone: 'Asia/Kathmandu' })], '2026-01-12T00:00:00Z')).toBe(
      '2026-01-12T03:15:00Z',
    )
    expect(opens([window({ ...early, timeZone: 'Pacific/Kiritimati' })], '2026-01-11T18:00:00Z')).toBe(
      '2026-01-11T19:00:00Z',
    )
    expect(opens([window({ ...early, timeZone: 'America/St_Johns' })], '2026-01-12T00:00:00Z')).toBe(
      '2026-01-12T12:30:00Z',
    )
  })

  it('says when changes are made', () => {
    expect(closed([window(), night], [], '2026-01-18T12:00:00Z')).toStrictEqual({
      reason: 'outside-window',
      detail: 'changes are made mon, tue, wed, thu, fri 09:00–17:00 Europe/Berlin; fri 22:00–06:00 UTC',
      opensAtMs: at('2026-01-19T08:00:00Z'),
    })
  })
})

describe('when the clock is set', () => {
  const sunday = (from: string, to: string) => [window({ days: ['sun'], from, to })]

  // Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
  it.each([
    [
      'an hour that is skipped opens no window',
      sunday('02:10', '02:50'),
      '2026-03-29T00:00:00Z',
      '2026-04-05T00:10:00Z',
    ],
    [
      'a window that begins in it opens after it',
      sunday('02:30', '04:00'),
      '2026-03-29T00:00:00Z',
      '2026-03-29T01:00:00Z',
    ],
    ['a window around it stays open', sunday('01:00', '04:00'), '2026-03-29T01:00:00Z', 'open'],
    [
      'a window after it opens an hour earlier',
      sunday('09:00', '17:00'),
      '2026-03-28T12:00:00Z',
      '2026-03-29T07:00:00Z',
    ],
  ])('forward: %s', (_, windows, now, expected) => {
    expect(opens(windows, now)).toBe(expected)
  })

  // Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
  it.each([
    [
      'a window in the hour that comes twice opens the first time',
      sunday('02:10', '02:50'),
      '2026-10-25T00:00:00Z',
      '2026-10-25T00:10:00Z',
    ],
    ['and the second time', sunday('02:10', '02:50'), '2026-10-25T00:50:00Z', '2026-10-25T01:10:00Z'],
    [
      'a window that ends in it opens again with it',
      sunday('01:00', '02:30'),
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:00:00Z',
    ],
    ['and closes again', sunday('01:00', '02:30'), '2026-10-25T01:30:00Z', '2026-11-01T00:00:00Z'],
    ['a window around it stays open', sunday('01:00', '04:00'), '2026-10-25T02:59:00Z', 'open'],
  ])('back: %s', (_, windows, now, expected) => {
    expect(opens(windows, now)).toBe(expected)
  })
})

describe('a freeze', () => {
  const freeze = (from: string, to: string | null, reason = 'Christmas'): Freeze => ({
    fromMs: at(from),
    toMs: to === null ? null : at(to),
    reason,
  })

  it('closes every window from its first instant to the last, and says why and until when', () => {
    const freezes = [freeze('2026-12-21T10:00:00Z', '2026-12-22T10:00:00Z')]
    expect(opens([window()], '2026-12-21T09:59:59Z', freezes)).toBe('open')
    expect(closed([window()], freezes, '2026-12-21T10:00:00Z')).toStrictEqual({
      reason: 'frozen',
      detail: 'changes are frozen until 2026-12-22T10:00:00.000Z: Christmas',
      opensAtMs: at('2026-12-22T10:00:00Z'),
    })
    expect(opens([window()], '2026-12-22T10:00:00Z', freezes)).toBe('open')
  })

  it('that ends outside every window is followed by the next one', () => {
    expect(
      opens([window()], '2026-12-21T12:00:00Z', [freeze('2026-12-21T10:00:00Z', '2026-12-25T20:00:00Z')]),
    ).toBe('2026-12-28T08:00:00Z')
  })

  it('without windows opens with its end, however far that is', () => {
    expect(opens([], '2026-01-01T00:00:00Z', [freeze('2025-12-01T00:00:00Z', '2026-06-01T00:00:00Z')])).toBe(
      '2026-06-01T00:00:00Z',
    )
  })

  it('of weeks is followed by the first window after it', () => {
    const freezes = [freeze('2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z')]
    expect(opens([window()], '2026-01-12T12:00:00Z', freezes)).toBe('2026-03-02T08:00:00Z')
  })

  it('without an end never opens', () => {
    expect(closed([], [freeze('2026-01-01T00:00:00Z', null, 'audit')], '2026-06-01T00:00:00Z')).toStrictEqual(
      {
        reason: 'frozen',
        detail: 'changes are frozen until the freeze is lifted: audit',
        opensAtMs: null,
      },
    )
  })

  it('is followed by another one: the later end counts, and so does one that begins before a window opens', () => {
    const freezes = [
      freeze('2026-01-12T00:00:00Z', '2026-01-12T12:00:00Z', 'one'),
      freeze('2026-01-12T06:00:00Z', '2026-01-13T06:00:00Z', 'two'),
      freeze('2026-01-13T07:00:00Z', '2026-01-13T09:00:00Z', 'three'),
    ]
    expect(closed([window()], freezes, '2026-01-12T08:00:00Z')).toMatchObject({
      detail: expect.stringContaining('two'),
      opensAtMs: at('2026-01-13T09:00:00Z'),
    })
    expect(opens([window()], '2026-01-12T16:30:00Z', freezes.slice(2))).toBe('2026-01-13T09:00:00Z')
    expect(closed([window()], freezes.slice(2), '2026-01-12T16:30:00Z')?.reason).toBe('outside-window')
  })

  it('that begins before a window opens and has no end leaves no opening', () => {
    expect(opens([window()], '2026-01-17T00:00:00Z', [freeze('2026-01-18T00:00:00Z', null)])).toBeNull()
  })

  it('in the past or future closes nothing', () => {
    const freezes = [
      freeze('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
      freeze('2026-02-01T00:00:00Z', null),
    ]
    expect(opens([], '2026-01-12T12:00:00Z', freezes)).toBe('open')
  })
})

describe('the next opening', () => {
  const time = fc
    .tuple(fc.nat(23), fc.nat(59))
    .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)
  const anyWindow = fc.record({
    days: fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 1 }),
    from: time,
    to: time,
    timeZone: fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
    ),
  })
  // Minutes of the year 2026, more often around the days on which clocks are set.
  const setting = fc.constantFrom(
    ...['2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-05', '2026-10-04'].map((day) =>
      at(`${day}T00:00:00Z`),
    ),
  )
  const minute = fc.oneof(
    fc.nat(365 * 1440).map((count) => at('2026-01-01T00:00:00Z') + count * 60_000),
    fc.tuple(setting, fc.integer({ min: -1500, max: 1500 })).map(([day, count]) => day + count * 60_000),
  )

  it('is the first open minute, whatever the windows and the zone', () => {
    fc.assert(
      fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 3 }), minute, (windows, nowMs) => {
        const answer = mayChange(windows, [], nowMs)
        if (answer.ok) return
        const { opensAtMs } = answer.error
        expect(opensAtMs === null || mayChange(windows, [], opensAtMs).ok).toBe(true)
        expect(opensAtMs === null || opensAtMs > nowMs).toBe(true)
        const until = Math.min(opensAtMs ?? Number.POSITIVE_INFINITY, nowMs + 30 * 3_600_000)
        for (let each = nowMs; each < until; each += 30 * 60_000)
          expect(mayChange(windows, [], each).ok, new Date(each).toISOString()).toBe(false)
        if (opensAtMs !== null) expect(mayChange(windows, [], opensAtMs - 1).ok).toBe(false)
      }),
      { numRuns: 100 },
    )
  })
})
