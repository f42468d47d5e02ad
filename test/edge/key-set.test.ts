/** An issuer's keys in an isolate: when they are read, how they change, and what happens while the issuer is away. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { issuerKey, JWKS_URL } from './issuer.ts'
import { Issuer } from './issuer-clock.ts'

const start = Date.UTC(2026, 10, 26)
const first = await issuerKey('EdDSA', 'k1', () => start)
const second = await issuerKey('EdDSA', 'k2', () => start)
const day = { exp: start / 1_000 + 400_000 }
const token = await first.sign(day)
const rotated = await second.sign(day)

/** What the log says meanwhile. */
function warnings(): string[] {
  const said: string[] = []
  const spy = vi.spyOn(console, 'warn').mockImplementation((text: string) => said.push(text))
  onTestFinished(() => spy.mockRestore())
  return said
}

const gone = () => new Response('no', { status: 503 })
const never = () => new Promise<never>(() => {})

describe('keys', () => {
  it('are asked for once, without following redirects, however many come at once', async () => {
    const issuer = new Issuer(first)
    const all = await Promise.all(Array.from({ length: 50 }, () => issuer.who(token)))
    expect(new Set(all)).toEqual(new Set(['ana']))
    expect(issuer.asked).toHaveLength(1)
    expect(issuer.asked[0]).toMatchObject({ url: JWKS_URL, init: { redirect: 'manual' } })
    expect(JSON.stringify(issuer.asked[0]!.init)).not.toContain(token)
  })

  it('are asked for by nobody who carries no token', async () => {
    const issuer = new Issuer(first)
    expect(await issuer.who('', {}, {})).toBeNull()
    expect(await issuer.who('', {}, { authorization: 'x'.repeat(9_000) })).toBeNull()
    expect(issuer.asked).toEqual([])
  })

  it('are read anew after ten minutes, beside the request', async () => {
    const issuer = new Issuer(first)
    await issuer.who(token)
    issuer.nowMs += 599_000
    expect(await issuer.who(token)).toBe('ana')
    expect(issuer.asked).toHaveLength(1)
    issuer.nowMs += 2_000
    issuer.answer = never
    expect(await issuer.who(token)).toBe('ana')
    expect(issuer.asked).toHaveLength(2)
  })

  it('that the issuer has withdrawn vouch for nobody any more', async () => {
    const issuer = new Issuer(first)
    expect(await issuer.who(token)).toBe('ana')
    issuer.publish(second)
    issuer.nowMs += 601_000
    await issuer.who(token)
    await issuer.settled()
    expect(await issuer.who(token)).toBeNull()
    expect(await issuer.who(rotated)).toBe('ana')
  })
})

describe('a rotation', () => {
  it('is found out by the first token of the new key', async () => {
    const issuer = new Issuer(first)
    expect(await issuer.who(token)).toBe('ana')
    issuer.publish(first, second)
    issuer.nowMs += 31_000
    expect(await issuer.who(rotated)).toBe('ana')
    expect(await issuer.who(token)).toBe('ana')
    expect(issuer.asked).toHaveLength(2)
  })

  it('makes no tokens of unknown keys a flood: the issuer is asked once in 30 seconds', async () => {
    const issuer = new Issuer(first)
    for (let second = 0; second < 60; second += 1) {
      for (let at = 0; at < 5; at += 1)
        expect(await issuer.who(await first.sign(day, { kid: `x${second}-${at}` }))).toBeNull()
      issuer.nowMs += 1_000
    }
    expect(issuer.asked.length).toBeLessThanOrEqual(3)
    expect(await issuer.who(token)).toBe('ana')
  })
})

describe('while the issuer is away', () => {
  it('its keys serve for a day', async () => {
    const said = warnings()
    const issuer = new Issuer(first)
    await issuer.who(token)
    issuer.answer = gone
    for (let hour = 0; hour < 23; hour += 1) {
      issuer.nowMs += 3_600_000
      expect(await issuer.who(token)).toBe('ana')
      await issuer.settled()
    }
    issuer.nowMs += 2 * 3_600_000
    expect(await issuer.who(token)).toBeNull()
    issuer.publish(first)
    issuer.nowMs += 301_000
    await issuer.who(token)
    await issuer.settled()
    expect(await issuer.who(token)).toBe('ana')
    expect(said[0]).toContain('jwks-unavailable')
  })

  it('a request without keys waits a second at most, and those after a failure not at all', async () => {
    warnings()
    const issuer = new Issuer(first)
    issuer.answer = never
    const before = issuer.nowMs
    expect(await issuer.who(token)).toBeNull()
    expect(issuer.nowMs - before).toBeGreaterThanOrEqual(1_000)
    expect(issuer.nowMs - before).toBeLessThan(1_100)
    const failing = new Issuer(first)
    failing.answer = gone
    expect(await failing.who(token)).toBeNull()
    failing.answer = never
    failing.nowMs += 2_000
    const again = failing.nowMs
    expect(await failing.who(token)).toBeNull()
    expect(failing.nowMs).toBe(again)
    expect(failing.asked).toHaveLength(2)
  })

  it('a reader that was cancelled is followed by another', async () => {
    const issuer = new Issuer(first)
    issuer.answer = never
    expect(await issuer.who(token)).toBeNull()
    issuer.publish(first)
    issuer.nowMs += 5_000
    expect(await issuer.who(token)).toBe('ana')
  })

  it('it is asked ever more rarely, up to once in five minutes', async () => {
    warnings()
    const issuer = new Issuer(first)
    issuer.answer = gone
    for (let second = 0; second < 3_600; second += 1) {
      await issuer.who(token)
      await issuer.settled()
      issuer.nowMs += 1_000
    }
    expect(issuer.asked.length).toBeGreaterThan(10)
    expect(issuer.asked.length).toBeLessThan(25)
    issuer.publish(first)
    issuer.nowMs += 300_000
    await issuer.who(token)
    await issuer.settled()
    expect(await issuer.who(token)).toBe('ana')
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['a redirect', () => new Response(null, { status: 302, headers: { location: 'https://evil.test/' } })],
    ['a page', () => new Response('<html>')],
    ['JSON of another shape', () => Response.json([first.jwk])],
    ['more than 64 KiB', () => Response.json({ keys: [first.jwk], more: 'x'.repeat(65_536) })],
    [
      'a body that breaks off',
      () => new Response(new ReadableStream({ pull: (c) => c.error(new Error('cut')) })),
    ],
    ['nothing', () => Promise.reject(new Error('Network connection lost.'))],
  ])('%s is no answer, is said in the log, and takes no keys away', async (name, answer) => {
    const said = warnings()
    const issuer = new Issuer(first)
    // The log says the same of one address once in ten seconds.
    const there = { jwksUrl: `${JWKS_URL}/${name.replaceAll(' ', '-')}` }
    expect(await issuer.who(token, there)).toBe('ana')
    issuer.answer = answer
    issuer.nowMs += 601_000
    await issuer.who(token, there)
    await issuer.settled()
    expect(await issuer.who(token, there)).toBe('ana')
    expect(said.join()).toContain('jwks-unavailable')
    expect(said.join()).not.toContain(token.slice(0, 20))
  })

  it('a set without keys is an answer: all are withdrawn', async () => {
    const issuer = new Issuer(first)
    await issuer.who(token)
    issuer.publish()
    issuer.nowMs += 601_000
    await issuer.who(token)
    await issuer.settled()
    expect(await issuer.who(token)).toBeNull()
  })
})

it('a clock that is set back stops nothing', async () => {
  const issuer = new Issuer(first)
  await issuer.who(token)
  issuer.nowMs -= 86_400_000 * 3
  const older = await second.sign({ iat: undefined })
  issuer.publish(first, second)
  expect(await issuer.who(older)).toBe('ana')
})
