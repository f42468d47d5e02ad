/** What a stream tells and when, in passed-in time; and the tokens that open one. */
import { describe, expect, it } from 'vitest'
import { lastEventId, Telling } from '../../worker/stream.ts'
import { StreamTokens } from '../../worker/stream-token.ts'

const EVENT = (state: string) =>
  `id: ${state}\ndata: {"type":"refetchEvaluation","etag":"\\"${state}\\""}\n\n`

describe('a stream', () => {
  it('tells a client that knows nothing at once', () => {
    expect(new Telling(null, 0, 0).text('1-5-0', 0)).toBe(`retry: 1000\n${EVENT('1-5-0')}`)
  })

  it('tells a client that is behind at once, and one that is not nothing', () => {
    expect(new Telling('1-4-0', 0, 0).text('1-5-0', 0)).toContain('id: 1-5-0\n')
    expect(new Telling('1-5-0', 0, 0).text('1-5-0', 0)).toBe('retry: 1000\n:\n\n')
  })

  it('tells each change once, a newer epoch and a kill too', () => {
    const telling = new Telling('1-5-0', 0, 0)
    telling.text('1-5-0', 0)
    expect(telling.text('1-6-0', 250)).toBe(EVENT('1-6-0'))
    expect(telling.text('1-6-0', 500)).toBe('')
    expect(telling.text('1-6-1', 750)).toBe(EVENT('1-6-1'))
    expect(telling.text('2-1-0', 1_000)).toBe(EVENT('2-1-0'))
  })

  it('is heard from at least every 15 s', () => {
    const telling = new Telling('1-5-0', 0, 0)
    telling.text('1-5-0', 0)
    expect(telling.text('1-5-0', 14_999)).toBe('')
    expect(telling.text('1-5-0', 15_000)).toBe(':\n\n')
    expect(telling.text('1-5-0', 15_250)).toBe('')
    expect(telling.text('1-5-0', 30_000)).toBe(':\n\n')
  })

  it.each([
    [0, 240_000, 1_000],
    [0.5, 270_000, 2_500],
    [0.999_999, 299_999, 4_000],
  ])('with chance %s lives %s ms and has its client come back after %s ms', (random, lifeMs, retryMs) => {
    const telling = new Telling(null, 1_000, random)
    expect(telling.text('1-5-0', 1_000)).toMatch(`retry: ${retryMs}\n`)
    expect(telling.isOver(1_000 + lifeMs - 1)).toBe(false)
    expect(telling.isOver(1_000 + lifeMs + 1)).toBe(true)
  })
})

describe('the latest event of a client', () => {
  it.each([
    ['1-6-0', '1-5-0', '1-6-0'],
    [null, '1-5-0', '1-5-0'],
    ['', '', null],
    [null, null, null],
  ])('header %j and URL %j make %j', (header, query, told) => {
    expect(lastEventId(header, query)).toBe(told)
  })
})

describe('a stream token', () => {
  const MINUTE = 60_000
  const at = Date.UTC(2026, 10, 26, 12, 0, 0)
  const tokens = () => new StreamTokens('a cookie key of the tests, long enough', 'prod')

  it('is good on every isolate for at least five minutes and less than ten', async () => {
    const token = await tokens().mint(at + 2 * MINUTE)
    const good = (ms: number) => tokens().verify(token, at + ms)
    expect(await good(2 * MINUTE)).toBe(true)
    expect(await good(7 * MINUTE)).toBe(true)
    expect(await good(10 * MINUTE - 1)).toBe(true)
    expect(await good(10 * MINUTE)).toBe(false)
  })

  it('stays the same for as long as nobody needs another', async () => {
    const isolate = tokens()
    expect(await isolate.mint(at + MINUTE)).toBe(await isolate.mint(at + 4 * MINUTE))
    expect(await isolate.mint(at + 6 * MINUTE)).not.toBe(await isolate.mint(at + 4 * MINUTE))
  })

  it('is good for no other environment, no other secret and no other time', async () => {
    const token = await tokens().mint(at)
    const [window, mac] = token.split('.')
    const other = new StreamTokens('a cookie key of the tests, long enough', 'staging')
    const rotated = new StreamTokens('another cookie key of the tests, as long', 'prod')
    expect(await other.verify(token, at)).toBe(false)
    expect(await rotated.verify(token, at)).toBe(false)
    for (const forged of [
      `${Number(window) + 1}.${mac}`,
      `${window}.`,
      `${window}`,
      '',
      '.',
      'NaN.x',
      `-1.${mac}`,
    ])
      expect(await tokens().verify(forged, at), forged).toBe(false)
  })
})
