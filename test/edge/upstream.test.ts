/** What an isolate knows of the addresses of its origins. */
import { describe, expect, it } from 'vitest'
import { BREAKER_DEFAULTS, type Origin, type Route } from '../../engine/index.ts'
import { breakerRules, Upstreams } from '../../worker/upstream.ts'

const NOW = 1_790_000_000_000
const half = () => 0.5
const URL = 'https://canary.test'

describe('the rules of a breaker', () => {
  const rules = (route: Route['breaker'], origin: Origin['breaker']) =>
    breakerRules({ breaker: route } as Route, { breaker: origin } as Origin)

  it('are the defaults, changed by the route, changed by the origin', () => {
    expect(rules(undefined, undefined)).toEqual(BREAKER_DEFAULTS)
    expect(rules({ openMs: 1, failureRate: 0.7 }, { openMs: 2 })).toEqual({
      ...BREAKER_DEFAULTS,
      openMs: 2,
      failureRate: 0.7,
    })
  })

  it('are none where either says so, unless the origin has some of its own', () => {
    expect(rules(false, undefined)).toBe(false)
    expect(rules({ openMs: 1 }, false)).toBe(false)
    expect(rules(false, { openMs: 5 })).toEqual({ ...BREAKER_DEFAULTS, openMs: 5 })
  })
})

describe('what there is to tell', () => {
  it('is nothing of an address without attempts', () => {
    const upstreams = new Upstreams()
    upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)
    expect(upstreams.take(NOW)).toEqual([])
  })

  it('is each connection that it broke off, once', () => {
    const upstreams = new Upstreams()
    const canary = upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)
    canary.abort()
    canary.abort()
    expect(upstreams.take(NOW)).toMatchObject([{ name: 'shop/canary', ok: 0, aborted: 2 }])
    expect(upstreams.take(NOW)).toEqual([])
  })

  it('is each attempt, once, and the breaker while it is not closed', () => {
    const upstreams = new Upstreams()
    const canary = upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)
    canary.record('ok', NOW, NOW, half)
    canary.record('failed', NOW, NOW, half)
    for (let n = 0; n < 5; n += 1) canary.record('unreached', NOW, NOW, half)
    expect(upstreams.take(NOW + 10_000)).toEqual([
      {
        ...{ name: 'shop/canary', breaker: 'open', openForMs: 20_000 },
        ...{ ok: 1, failed: 1, unreached: 5, p95Ms: null, alert: true },
      },
    ])
    expect(upstreams.take(NOW + 32_000)).toMatchObject([{ ok: 0, breaker: 'recovering', openForMs: null }])
    expect(upstreams.take(NOW + 42_000)).toEqual([])
  })

  it('is an alert at three failures of ten, long before the breaker opens', () => {
    const upstreams = new Upstreams()
    const canary = upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)
    for (let n = 0; n < 8; n += 1) canary.record('ok', NOW, NOW, half)
    for (let n = 0; n < 3; n += 1) canary.record('failed', NOW, NOW, half)
    expect(upstreams.take(NOW)).toMatchObject([{ breaker: 'closed', alert: false }])
    canary.record('failed', NOW, NOW, half)
    expect(upstreams.take(NOW)).toMatchObject([{ breaker: 'closed', alert: true }])
  })

  it('is an alert where answers take longer than five seconds', () => {
    const upstreams = new Upstreams()
    const canary = upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)
    for (let n = 0; n < 20; n += 1) canary.record('ok', NOW - 6_500, NOW, half)
    expect(upstreams.take(NOW)).toMatchObject([{ alert: true }])
  })

  it('is of at most 256 addresses at a time; the others keep theirs for the next', () => {
    const upstreams = new Upstreams()
    for (let n = 0; n < 300; n += 1)
      upstreams.get(`shop/${n}`, `https://o${n}.test`, BREAKER_DEFAULTS).record('ok', NOW, NOW, half)
    expect(upstreams.take(NOW)).toHaveLength(256)
    expect(upstreams.take(NOW)).toHaveLength(44)
  })
})

it('hears of what others found broken, by name', () => {
  const upstreams = new Upstreams()
  const canary = upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)
  upstreams.heard({ 'shop/canary': 9_000, 'shop/gone': 9_000 }, NOW)
  expect(canary.admits(NOW, half)).toBe(false)
})

describe('what health checks find', () => {
  const admitted = (of: Upstreams, name: string, nowMs: number) =>
    of.get(name, `https://${name.replace('/', '.')}.test`, false).admits(nowMs, half)

  it('keeps requests from an address, breaker or not, until its time is over', () => {
    const upstreams = new Upstreams()
    expect(admitted(upstreams, 'shop/canary', NOW)).toBe(true)
    upstreams.checked({ 'shop/canary': 20_000 }, NOW)
    expect(admitted(upstreams, 'shop/canary', NOW + 19_999)).toBe(false)
    expect(admitted(upstreams, 'shop/stable', NOW)).toBe(true)
    expect(admitted(upstreams, 'shop/canary', NOW + 20_000)).toBe(true)
  })

  it('is all that holds: who is not named any more is well again', () => {
    const upstreams = new Upstreams()
    admitted(upstreams, 'shop/canary', NOW)
    upstreams.checked({ 'shop/canary': 20_000, 'shop/stable': 20_000 }, NOW)
    upstreams.checked({ 'shop/stable': 20_000 }, NOW + 1_000)
    expect(admitted(upstreams, 'shop/canary', NOW + 1_000)).toBe(true)
    upstreams.checked({}, NOW + 2_000)
    expect(admitted(upstreams, 'shop/stable', NOW + 2_000)).toBe(true)
  })

  it('holds for an address that no request was for yet', () => {
    const upstreams = new Upstreams()
    upstreams.checked({ 'shop/canary': 20_000 }, NOW)
    expect(admitted(upstreams, 'shop/canary', NOW + 1)).toBe(false)
  })
})

it('forgets the addresses of routes that are gone', () => {
  const upstreams = new Upstreams()
  const before = upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)
  upstreams.keep(new Set(['shop']))
  expect(upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)).toBe(before)
  upstreams.keep(new Set(['shopping']))
  expect(upstreams.get('shop/canary', URL, BREAKER_DEFAULTS)).not.toBe(before)
})
