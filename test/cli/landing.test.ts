/** How a change is watched until it has landed: what is shown, and how it ends. */
import { describe, expect, test } from 'vitest'
import { landedSentence, landingLine, landingTable } from '../../cli/landing.ts'
import { problem } from './fake-admin.ts'
import { says, startApi, UNPROTECTED } from './fake-api.ts'
import { laggard, location, propagation } from './propagation.ts'
import { turnout } from './run.ts'

const WHERE = 'GET /environments/prod/propagation'
const RESTORE = 'DELETE /environments/prod/kills/flag:checkout'
const ENDED = { ...UNPROTECTED, [RESTORE]: says(null, { 'x-turnout-kills': '14' }) }
const CALL = ['restore', 'flag:checkout']

/** The answers one after the other, the last one again and again. */
function inTurn<T>(...answers: T[]): () => T {
  let at = 0
  return () => answers[Math.min(at++, answers.length - 1)]!
}

const WAITING = propagation([location('FRA', 1, 2, 600), location('IAD', 0, 1)], {
  laggards: [laggard('FRA', 'fra-2'), laggard('IAD', 'iad-1')],
})
const ALMOST = propagation([location('FRA', 2, 2, 900), location('IAD', 0, 1)], {
  laggards: [laggard('IAD', 'iad-1')],
})
const DONE = propagation([location('FRA', 2, 2, 900), location('IAD', 1, 1, 1_240)])

describe('a change that lands', () => {
  test('is watched until every location with traffic has it, one line for each step', async () => {
    const api = await startApi({ ...ENDED, [WHERE]: inTurn(WAITING, WAITING, ALMOST, DONE) })
    const { code, out, err, waits } = await turnout(CALL, api)
    expect(out).toBe(`Restored flag:checkout in prod: it serves what the document says.
  on 1 of 3 isolates with traffic; waiting for FRA, IAD
  on 2 of 3 isolates with traffic; waiting for IAD
  on 3 of 3 isolates with traffic
Landed: all 3 isolates with traffic, in 2 locations, have it; the slowest after 1.2 s.
`)
    expect([code, err]).toEqual([0, ''])
    expect(waits).toEqual([500, 500, 500])
    expect(api.calls.at(-1)!.line).toBe(`${WHERE}?kill=14`)
  })

  test('says why it waits for a location that is not heard yet, once', async () => {
    const settling = propagation([location('FRA', 1, 1)], { settling: ['GRU'] })
    const api = await startApi({ ...ENDED, [WHERE]: inTurn(settling, settling, propagation([])) })
    const { out } = await turnout(CALL, api)
    expect(out).toBe(`Restored flag:checkout in prod: it serves what the document says.
  The control plane has only just begun to listen to GRU, and waits until every isolate there that has traffic has reported: 10 s at most.
  on 1 of 1 isolates with traffic; waiting for GRU
Landed: no edge has traffic now, and each asks before it answers its next request.
`)
  })

  test('names a place once that has an isolate without it and others that are not heard yet', () => {
    const both = propagation([location('local', 0, 1)], { settling: ['local'] })
    expect(landingLine(both)).toBe('  on 0 of 1 isolates with traffic; waiting for local')
    expect(landingTable(both).filter((line) => line.includes('local'))).toHaveLength(1)
  })

  test('is painted over on a screen', async () => {
    const api = await startApi({ ...ENDED, [WHERE]: inTurn(WAITING, DONE) })
    const { out } = await turnout(CALL, { ...api, screen: true })
    expect(out).toBe(`Restored flag:checkout in prod: it serves what the document says.
  LOCATION  HAVE IT  SLOWEST
  FRA       1 of 2   waiting
  IAD       0 of 1   waiting
\u001b[3A\u001b[0J  LOCATION  HAVE IT  SLOWEST
  FRA       2 of 2   900 ms
  IAD       1 of 1   1.2 s
Landed: all 3 isolates with traffic, in 2 locations, have it; the slowest after 1.2 s.
`)
  })

  test('is one value for machines', async () => {
    const api = await startApi({ ...ENDED, [WHERE]: inTurn(WAITING, DONE) })
    const { code, out } = await turnout([...CALL, '--json'], { ...api, screen: true })
    expect(JSON.parse(out)).toEqual({
      environment: 'prod',
      restored: 'flag:checkout',
      kills: 14,
      landing: DONE,
    })
    expect(code).toBe(0)
  })

  test('names isolates that are not waited for because they fell silent', async () => {
    const found = propagation([location('FRA', 2, 2, 900)], {
      lost: [laggard('SYD', 's1'), laggard('SYD', 's2')],
    })
    const api = await startApi({ ...ENDED, [WHERE]: found })
    const { code, err } = await turnout(CALL, api)
    expect(err).toMatch(/^warning: 2 isolates in SYD stopped reporting in the middle of traffic without it: /)
    expect(code).toBe(0)
  })

  test('is not waited for with --no-wait', async () => {
    const api = await startApi(ENDED)
    const { code, out, waits } = await turnout([...CALL, '--no-wait'], api)
    expect(out).toBe('Restored flag:checkout in prod: it serves what the document says.\n')
    expect([code, waits, api.calls.at(-1)!.line]).toEqual([0, [], RESTORE])
  })

  test('survives a control plane that is away for a moment', async () => {
    const api = await startApi({
      ...ENDED,
      [WHERE]: inTurn<object>(problem(503, 'Try again.'), WAITING, DONE),
    })
    const { code, out } = await turnout(CALL, api)
    expect(out).toContain('  the control plane refuses (503): Try again.')
    expect(code).toBe(0)
  })
})

describe('a change that does not land in time', () => {
  test('ends with 3, names who lacks it, and says how to go on', async () => {
    const api = await startApi({ ...ENDED, [WHERE]: ALMOST })
    const { code, err, waits } = await turnout([...CALL, '--timeout', '2s'], api)
    expect(
      err,
    ).toBe(`turnout: not everywhere after 2.0 s, waiting for IAD. The change holds. To go on watching: turnout landing --kill 14 --env prod
  IAD, isolate iad-1: serves version 12 and kills 13, last seen 2026-11-21 10:00:01Z
`)
    expect(code).toBe(3)
    expect(waits).toEqual([500, 500, 500, 500])
    const json = JSON.parse((await turnout([...CALL, '--timeout', '2s', '--json'], api)).out)
    expect(json).toMatchObject({
      restored: 'flag:checkout',
      kills: 14,
      landing: ALMOST,
      error: expect.any(String),
    })
  })

  test('is waited for half a minute', async () => {
    const api = await startApi({ ...ENDED, [WHERE]: ALMOST })
    expect((await turnout(CALL, api)).waits.reduce((sum, ms) => sum + ms, 0)).toBe(30_000)
  })

  test('because a location is not heard yet names that location', async () => {
    const api = await startApi({
      ...ENDED,
      [WHERE]: propagation([location('FRA', 1, 1)], { settling: ['GRU'] }),
    })
    const { code, err } = await turnout([...CALL, '--timeout', '1s'], api)
    expect(err).toContain('waiting for GRU. The change holds.')
    expect(code).toBe(3)
  })

  test('as far as anybody knows says that nobody knows', async () => {
    const api = await startApi({ ...ENDED, [WHERE]: problem(503, 'Try again.') })
    const { code, err } = await turnout([...CALL, '--timeout', '1s'], api)
    expect(err).toMatch(
      /^turnout: it is not known where it has landed: the control plane refuses \(503\): Try again\..* The change holds\. /,
    )
    expect(code).toBe(3)
  })
})

describe('a change whose landing nobody will ever tell', () => {
  test('holds, which is said at once', async () => {
    const api = await startApi({ ...ENDED, [WHERE]: problem(403, 'Not yours.') })
    const { code, err, waits } = await turnout(CALL, api)
    expect(err).toMatch(/^turnout: it is not known where it has landed: .*Not yours\..* The change holds\. /)
    expect([code, waits]).toEqual([3, []])
  })
})

describe('landing', () => {
  test('watches one change, or all there is now', async () => {
    const now = { name: 'prod', version: 31, killsVersion: 14 }
    const api = await startApi({ 'GET /environments/prod': now, [WHERE]: DONE })
    await turnout(['landing', '--kill', '13'], api)
    await turnout(['landing', '--version', '30'], api)
    expect(api.calls.map(({ line }) => line)).toEqual([`${WHERE}?kill=13`, `${WHERE}?version=30`])
    const { code, out } = await turnout(['landing'], api)
    expect(out).toMatch(
      /^Kill list of prod, version 14:\n(.+\n)*Document of prod, version 31:\n(.+\n)*Landed: /,
    )
    expect(code).toBe(0)
    const both = await turnout(['landing', '--kill', '1', '--version', '1'], api)
    expect(both.err).toContain('ask one at a time')
    expect(both.code).toBe(2)
  })

  test('of a version that does not exist ends at once, with the next command', async () => {
    for (const [option, what, next] of [
      ['--kill', 'version of the kill list', 'turnout landing --env prod watches the one there is now.'],
      ['--version', 'version', 'turnout versions list --env prod says which there are.'],
    ] as const) {
      const api = await startApi({ [WHERE]: problem(404, `There is no ${what} "999".`) })
      const { code, err, waits } = await turnout(['landing', option, '999'], api)
      expect(err).toBe(`turnout: the control plane refuses (404): There is no ${what} "999". ${next}\n`)
      expect([code, waits]).toEqual([1, []])
    }
  })

  test('is asked for again after 5xx, and not after any other refusal', async () => {
    const away = await startApi({ [WHERE]: inTurn<object>(problem(503, 'Away.'), DONE) })
    expect((await turnout(['landing', '--kill', '14'], away)).code).toBe(0)
    const refused = await startApi({ [WHERE]: problem(403, 'Not yours.') })
    const { code, waits } = await turnout(['landing', '--kill', '14'], refused)
    expect([code, waits]).toEqual([1, []])
  })

  test('of an environment where nothing was ever killed is about the document', async () => {
    const api = await startApi({ 'GET /environments/prod': { version: 31, killsVersion: 0 }, [WHERE]: DONE })
    expect((await turnout(['landing'], api)).out).toMatch(/^Document of prod, version 31:/)
  })
})

describe('drill', () => {
  test('publishes the kill list again and says how long a kill takes', async () => {
    const api = await startApi({
      'POST /environments/prod/drill': says({ kill: 14, publishedAt: '2026-11-21T10:00:00Z' }, {}, 202),
      [WHERE]: inTurn(WAITING, DONE),
    })
    const { code, out } = await turnout(['drill', '--reason', 'monthly'], api)
    expect(out).toMatch(/^Drill in prod: the kill list again, as version 14\. No answer changes\.\n/)
    expect(out).toMatch(/\nHalf of the isolates had it after 900 ms, 99 % after 1\.2 s\.\n$/)
    expect(api.calls[0]!.line).toBe('POST /environments/prod/drill?reason=monthly')
    expect(code).toBe(0)
  })
})

describe('purge', () => {
  test('waits until every location with traffic has it', async () => {
    const api = await startApi({
      'POST /environments/prod/purge': says({ kill: 14, publishedAt: '2026-11-21T10:00:00Z' }, {}, 202),
      [WHERE]: inTurn(WAITING, DONE),
    })
    const { code, out } = await turnout(['purge', '--reason', 'stale prices'], api)
    expect(out).toMatch(/^Purged what edges keep of responses in prod, by version 14 of the kill list\.\n/)
    expect(out).toMatch(/\nLanded/)
    expect(api.calls[0]!.line).toBe('POST /environments/prod/purge?reason=stale prices')
    expect(code).toBe(0)
  })
})

describe('what is shown', () => {
  test('puts those that are waited for first, and leaves out the rest of many', () => {
    const many = Array.from({ length: 40 }, (_, at) => location(`L${at + 1}`, at === 39 ? 0 : 1, 1, 500))
    const lines = landingTable(propagation(many))
    expect(lines[1]).toBe('  L40       0 of 1   waiting')
    expect(lines).toHaveLength(17)
    expect(lines.at(-1)).toBe('  and 25 locations more')
    const waiting = propagation(many.map((each) => ({ ...each, reached: 0 })))
    expect(landingLine(waiting)).toMatch(/; waiting for L1, .*, L15, 25 more$/)
  })

  test('says so where nobody is there to be wrong', () => {
    expect(landedSentence(propagation([]))).toBe(
      'Landed: no edge has traffic now, and each asks before it answers its next request.',
    )
  })

  test('gives no time to isolates that never answered anything older', () => {
    expect(landingTable(propagation([location('FRA', 1, 1)]))[1]).toBe('  FRA       1 of 1   at once')
    expect(landedSentence(propagation([location('FRA', 1, 1)]))).toBe(
      'Landed: the one isolate with traffic has it.',
    )
  })
})
