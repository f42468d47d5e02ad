/** Reading and cleaning Cookie headers, the odd ones that clients send included. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cookieValue, withoutOurCookies } from '../../worker/cookie.ts'

describe('cookieValue', () => {
  it.each<[string | null, string | null]>([
    [null, null],
    ['', null],
    ['id=1', '1'],
    ['a=b; id=1', '1'],
    ['id=1; a=b', '1'],
    ['a=b;id=1;c=d', '1'],
    ['  id=1  ', '1'],
    ['id=', ''],
    ['id=1=2==', '1=2=='],
    ['id="quoted"', '"quoted"'],
    ['id=first; id=second', 'first'],
    ['xid=1', null],
    ['x-id=1', null],
    ['idx=1', null],
    ['id', null],
    ['id; a=b', null],
    ['a=id=5', null],
    ['a=1, id=2', null],
    ['a=%3B id=7', null],
    ['ID=1', null],
    [';;; id=1', '1'],
  ])('of id in %j is %j', (header, value) => {
    expect(cookieValue(header, 'id')).toBe(value)
  })

  it('finds any cookie among any others', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/)
    const value = fc.stringMatching(/^[A-Za-z0-9._~=-]{0,12}$/)
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(token, value), { selector: ([name]) => name }), (cookies) => {
        const header = cookies.map(([name, text]) => `${name}=${text}`).join('; ')
        for (const [name, text] of cookies) expect(cookieValue(header, name)).toBe(text)
      }),
    )
  })
})

describe('two Cookie lines, joined by a comma on the way', () => {
  it('are searched for our cookie, and ours is taken out of them', () => {
    expect(cookieValue('a=1, turnout-id=x.y; b=2', 'turnout-id')).toBe('x.y')
    expect(cookieValue('a=1;\tturnout-id=x.y, b=2', 'turnout-id')).toBe('x.y')
    expect(withoutOurCookies('a=1, turnout-id=x.y; b=2')).toBe('a=1; b=2')
    expect(withoutOurCookies('a=1;\t__Host-turnout-id=x.y; b=2')).toBe('a=1; b=2')
  })
})

describe('withoutOurCookies', () => {
  it.each<[string, string | null]>([
    ['a=1', 'a=1'],
    ['turnout-id=x', null],
    ['__Host-turnout-id=x', null],
    ['__Host-turnout-preview=x', null],
    ['turnout-preview=x', null],
    ['a=1; turnout-id=x; b=2', 'a=1; b=2'],
    ['turnout-id=x;a=1', 'a=1'],
    ['turnout-id=x; turnout-id=y; a=1', 'a=1'],
    [' turnout-id =x; a=1', 'a=1'],
    ['a=turnout-id=x; b=2', 'a=turnout-id=x; b=2'],
    ['my-turnout-id=1; turnout-idea=2', 'my-turnout-id=1; turnout-idea=2'],
    ['turnout-id; a=1', 'turnout-id; a=1'],
    ['a="x; turnout-id=y"; b=2', 'a="x; b=2'],
  ])('of %j is %j', (header, kept) => {
    expect(withoutOurCookies(header)).toBe(kept)
  })

  it('never lets one of ours through, and never loses another', () => {
    const pair = fc.oneof(
      fc.stringMatching(/^[a-z]{1,6}=[a-z0-9]{0,6}$/),
      fc.constantFrom('turnout-id=t', '__Host-turnout-id=t', '__Host-turnout-preview=t', 'x-turnout-id=1'),
    )
    fc.assert(
      fc.property(
        fc.array(pair, { minLength: 1 }),
        fc.constantFrom('; ', ';', ' ;  '),
        (pairs, separator) => {
          const kept = withoutOurCookies(pairs.join(separator))
          const expected = pairs.filter((one) => !/^(__Host-)?turnout-(id|preview)=/.test(one))
          expect(
            (kept ?? '')
              .split(';')
              .map((one) => one.trim())
              .filter(Boolean),
          ).toEqual(expected)
        },
      ),
    )
  })
})
