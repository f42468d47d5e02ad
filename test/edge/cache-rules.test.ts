/** What may be kept and when it may be served, section by section of RFC 9111, each row one response or request. */
import { describe, expect, it } from 'vitest'
import {
  ageOf,
  ageOnArrival,
  answers,
  directivesOf,
  freshSeconds,
  invalidates,
  isUnmodified,
  type Keeping,
  variedBy,
  type Wish,
  wishOf,
} from '../../worker/cache-rules.ts'

type Fields = Record<string, string>
const NOW = Date.parse('2026-11-26T12:00:00Z')
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toUTCString()

interface Row {
  said: Fields
  asked?: Fields
  method?: string
  status?: number
  ttl?: number
  fresh: number
}
const fresh = ({ said, asked = {}, method = 'GET', status = 200, ttl = 0 }: Row) =>
  freshSeconds({ method, headers: new Headers(asked) }, { status, headers: new Headers(said) }, ttl, NOW)

const rows = (cases: [name: string, row: Row][]) =>
  it.each(cases)('%s', (_, row) => expect(fresh(row)).toBe(row.fresh))

const HOUR = { 'cache-control': 'max-age=3600' }

describe('section 3: storing', () => {
  rows([
    ['a GET with max-age', { said: HOUR, fresh: 3600 }],
    ['nothing of another method', { said: HOUR, method: 'POST', fresh: 0 }],
    ['nothing of HEAD, which has no body', { said: HOUR, method: 'HEAD', fresh: 0 }],
    ['nothing that says no-store', { said: { 'cache-control': 'no-store, max-age=60' }, fresh: 0 }],
    ['nothing that says private', { said: { 'cache-control': 'private, max-age=60' }, fresh: 0 }],
    [
      'nothing with private fields either',
      { said: { 'cache-control': 'max-age=60, private="x-user"' }, fresh: 0 },
    ],
    [
      'nothing that must be validated each time',
      { said: { 'cache-control': 'no-cache, max-age=60' }, fresh: 0 },
    ],
    [
      'nothing with no-cache fields either',
      { said: { 'cache-control': 'max-age=60, no-cache="set-cookie"' }, fresh: 0 },
    ],
    ['no partial content', { said: HOUR, status: 206, fresh: 0 }],
    ['nothing without a body', { said: HOUR, status: 204, fresh: 0 }],
    ['no 304', { said: HOUR, status: 304, fresh: 0 }],
    ['no error of the server', { said: HOUR, status: 500, fresh: 0 }],
    ['no 503', { said: HOUR, status: 503, fresh: 0 }],
    ['a 404 that says so', { said: HOUR, status: 404, fresh: 3600 }],
    ['a 302 that says so', { said: HOUR, status: 302, fresh: 3600 }],
    ['what comes in gzip', { said: { ...HOUR, 'content-encoding': 'GZIP' }, fresh: 3600 }],
    [
      'nothing in an encoding that is not taken off',
      { said: { ...HOUR, 'content-encoding': 'zstd' }, fresh: 0 },
    ],
    [
      'nothing encoded that must stay as it is',
      { said: { 'cache-control': 'max-age=5, no-transform', 'content-encoding': 'br' }, fresh: 0 },
    ],
    ['nothing that sets a cookie', { said: { ...HOUR, 'set-cookie': 'a=1' }, fresh: 0 }],
  ])
})

describe('section 3.5: requests with Authorization', () => {
  const asked = { authorization: 'Bearer x' }
  rows([
    ['are one user’s', { asked, said: HOUR, fresh: 0 }],
    ['are everybody’s by public', { asked, said: { 'cache-control': 'public, max-age=5' }, fresh: 5 }],
    ['are everybody’s by s-maxage', { asked, said: { 'cache-control': 's-maxage=5' }, fresh: 5 }],
    [
      'are everybody’s by must-revalidate',
      { asked, said: { 'cache-control': 'must-revalidate, max-age=5' }, fresh: 5 },
    ],
  ])
})

describe('section 4.1: Vary', () => {
  rows([
    ['* is never kept', { said: { ...HOUR, vary: '*' }, fresh: 0 }],
    ['by cookie is one visitor’s', { said: { ...HOUR, vary: 'Accept, Cookie' }, fresh: 0 }],
    ['by authorization too', { said: { ...HOUR, vary: 'authorization' }, fresh: 0 }],
    ['by what only the edge says', { said: { ...HOUR, vary: 'X-Turnout-Variant' }, fresh: 0 }],
    ['by the client’s address', { said: { ...HOUR, vary: 'x-forwarded-for' }, fresh: 0 }],
    ['by language is kept', { said: { ...HOUR, vary: 'accept-language' }, fresh: 3600 }],
    ['by encoding is kept', { said: { ...HOUR, vary: 'Accept-Encoding' }, fresh: 3600 }],
  ])

  it('remembers what the request said of each, but for what is in the key', () => {
    const asked = {
      method: 'GET',
      headers: new Headers({ 'accept-language': 'de', 'accept-encoding': 'gzip' }),
    }
    const headers = new Headers({ vary: 'Accept-Language, accept-encoding, X-Forwarded-Host, x-tenant' })
    expect(variedBy(headers, asked)).toEqual({ 'accept-language': 'de', 'x-tenant': null })
  })
})

describe('section 4.2.1: freshness', () => {
  rows([
    ['s-maxage before max-age', { said: { 'cache-control': 'max-age=5, s-maxage=9' }, fresh: 9 }],
    [
      'max-age before Expires',
      { said: { 'cache-control': 'max-age=5', expires: at(99), date: at(0) }, fresh: 5 },
    ],
    ['Expires counts from Date', { said: { expires: at(99), date: at(9) }, fresh: 90 }],
    ['Expires counts from now without a Date', { said: { expires: at(99) }, fresh: 99 }],
    ['Expires: 0 is over', { said: { expires: '0', date: at(0) }, fresh: 0 }],
    ['Expires in the past is over', { said: { expires: at(-5), date: at(0) }, fresh: 0 }],
    ['the first of two', { said: { 'cache-control': 'max-age=7, max-age=700' }, fresh: 7 }],
    ['in quotes', { said: { 'cache-control': 'max-age="7"' }, fresh: 7 }],
    ['in any case', { said: { 'cache-control': 'Public, MAX-AGE=7' }, fresh: 7 }],
    ['what is no number is stale', { said: { 'cache-control': 'max-age=soon' }, fresh: 0, ttl: 60 }],
    ['what is negative is stale', { said: { 'cache-control': 'max-age=-1' }, fresh: 0, ttl: 60 }],
    [
      'an overflow is a year',
      { said: { 'cache-control': 'max-age=99999999999999999999' }, fresh: 31_536_000 },
    ],
    [
      'a directive in a quoted text is none',
      { said: { 'cache-control': 'ext="no-store, private", max-age=7' }, fresh: 7 },
    ],
  ])
})

describe('section 4.2.2: freshness that nobody states', () => {
  rows([
    ['is none by default', { said: {}, fresh: 0 }],
    ['is the route’s', { said: {}, ttl: 60, fresh: 60 }],
    ['is the route’s with public', { said: { 'cache-control': 'public' }, ttl: 60, fresh: 60 }],
    [
      'is never the route’s where the response says something',
      { said: { 'cache-control': 'max-age=0' }, ttl: 60, fresh: 0 },
    ],
    ['is none for a temporary redirect', { said: {}, status: 302, ttl: 60, fresh: 0 }],
    ['is the route’s for a permanent one', { said: {}, status: 301, ttl: 60, fresh: 60 }],
  ])
})

describe('RFC 9213: what is said to CDNs', () => {
  rows([
    [
      'goes before Cache-Control',
      { said: { 'cdn-cache-control': 'max-age=9', 'cache-control': 'no-store' }, fresh: 9 },
    ],
    ['may forbid', { said: { 'cdn-cache-control': 'no-store', 'cache-control': 'max-age=9' }, fresh: 0 }],
    ['leaves Expires aside', { said: { 'cdn-cache-control': 'public', expires: at(9) }, fresh: 0 }],
  ])
})

describe('section 4.2.3: age', () => {
  const arrived = (fields: Fields, tookMs = 0) => ageOnArrival(new Headers(fields), NOW - tookMs, NOW)
  it('is the larger of the apparent one and the one told', () => {
    expect(arrived({ date: at(-30) })).toBe(30)
    expect(arrived({ date: at(-30), age: '50' })).toBe(50)
    expect(arrived({ date: at(-90), age: '50' })).toBe(90)
  })
  it('has the time that the answer took', () => {
    expect(arrived({ age: '50' }, 2_000)).toBe(52)
    expect(arrived({}, 2_000)).toBe(2)
  })
  it('is never negative, and 0 where nothing valid is said', () => {
    expect(arrived({ date: at(30) })).toBe(0)
    expect(arrived({ date: 'yesterday', age: 'old' })).toBe(0)
  })
  it('grows with the time in the cache', () => {
    const keeping: Keeping = { age: 5, cameAtMs: NOW, freshSeconds: 60, varied: {} }
    expect(ageOf(keeping, NOW + 10_000)).toBe(15)
    expect(ageOf(keeping, NOW - 10_000)).toBe(5)
  })
})

describe('section 4: serving', () => {
  const keeping: Keeping = {
    age: 10,
    cameAtMs: NOW,
    freshSeconds: 60,
    varied: { 'accept-language': 'de', 'x-a': null },
  }
  const serves = (asked: Fields, afterSeconds = 0) => {
    const request = { method: 'GET', headers: new Headers({ 'accept-language': 'de', ...asked }) }
    return answers(keeping, request, NOW + afterSeconds * 1_000)
  }
  it.each([
    ['while it is fresh', {}, 49, true],
    ['not from when it is stale', {}, 50, false],
    ['not stale either where the client would take that', { 'cache-control': 'max-stale=60' }, 50, false],
    ['no older than the client wants', { 'cache-control': 'max-age=15' }, 6, false],
    ['as old as the client wants', { 'cache-control': 'max-age=15' }, 5, true],
    ['nothing that is soon stale to one who wants it fresh', { 'cache-control': 'min-fresh=20' }, 35, false],
    ['what stays fresh to one who wants that', { 'cache-control': 'min-fresh=20' }, 25, true],
    ['nothing of another language', { 'accept-language': 'fr' }, 0, false],
    ['nothing to one who says what the other left out', { 'x-a': '1' }, 0, false],
  ] as [string, Fields, number, boolean][])('%s', (_, asked, afterSeconds, expected) => {
    expect(serves(asked, afterSeconds)).toBe(expected)
  })
})

describe('section 5.2.1 and 5.4: what a request wishes', () => {
  it.each([
    ['GET', {}, 'kept'],
    ['HEAD', {}, 'kept'],
    ['POST', {}, 'apart'],
    ['OPTIONS', {}, 'apart'],
    ['GET', { 'cache-control': 'no-cache' }, 'new'],
    ['GET', { 'cache-control': 'no-store' }, 'apart'],
    ['GET', { 'cache-control': 'max-age=0' }, 'kept'],
    ['GET', { pragma: 'no-cache' }, 'new'],
    ['GET', { pragma: 'no-cache', 'cache-control': 'max-age=60' }, 'kept'],
    ['GET', { range: 'bytes=0-9' }, 'apart'],
    ['GET', { 'if-match': '"1"' }, 'apart'],
    ['GET', { 'if-unmodified-since': at(0) }, 'apart'],
    ['GET', { 'if-none-match': '"1"' }, 'kept'],
    ['GET', { upgrade: 'websocket' }, 'apart'],
  ] as [string, Fields, Wish][])('%s %j: %s', (method, asked, expected) => {
    expect(wishOf({ method, headers: new Headers(asked) })).toBe(expected)
  })
})

describe('section 4.3.2: conditional requests', () => {
  const same = (asked: Fields, kept: Fields) =>
    isUnmodified({ method: 'GET', headers: new Headers(asked) }, new Headers(kept))
  it.each([
    [{ 'if-none-match': '"1"' }, { etag: '"1"' }, true],
    [{ 'if-none-match': 'W/"1"' }, { etag: '"1"' }, true],
    [{ 'if-none-match': '"0", "1"' }, { etag: 'W/"1"' }, true],
    [{ 'if-none-match': '*' }, { etag: '"1"' }, true],
    [{ 'if-none-match': '"2"' }, { etag: '"1"' }, false],
    [{ 'if-none-match': '"1"' }, {}, false],
    [{ 'if-modified-since': at(0) }, { 'last-modified': at(0) }, true],
    [{ 'if-modified-since': at(0) }, { 'last-modified': at(1) }, false],
    [{ 'if-modified-since': 'never' }, { 'last-modified': at(0) }, false],
    [{ 'if-modified-since': at(0), 'if-none-match': '"2"' }, { 'last-modified': at(0), etag: '"1"' }, false],
    [{}, { etag: '"1"', 'last-modified': at(0) }, false],
  ] as [Fields, Fields, boolean][])('%j of %j: %s', (asked, kept, expected) => {
    expect(same(asked, kept)).toBe(expected)
  })
})

it('section 4.4: a request that may have changed something invalidates, unless it failed', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PURGE']) {
    expect(invalidates(method, 204), method).toBe(true)
    expect(invalidates(method, 303), method).toBe(true)
    expect(invalidates(method, 409), method).toBe(false)
  }
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE'])
    expect(invalidates(method, 200), method).toBe(false)
})

it('a header of any shape is read in no time', () => {
  const startedMs = performance.now()
  for (const text of [
    'a="'.repeat(20_000),
    '\\"'.repeat(20_000),
    ',= '.repeat(20_000),
    `a=${'"x'.repeat(9_999)}`,
  ])
    directivesOf(text)
  expect(performance.now() - startedMs).toBeLessThan(500)
})
