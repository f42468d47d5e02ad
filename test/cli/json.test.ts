import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../cli/json.ts'

describe('text that is not JSON', () => {
  test.each([
    ['{"a": tru }', 'line 1, column 10: unexpected character'],
    ['{\n  "a": 1,\n}', 'line 3, column 1: expected double-quoted property name'],
    ['{"a" 1}', "line 1, column 6: expected ':' after property name"],
    ['{"a":1}}', 'line 1, column 8: unexpected non-whitespace character'],
    ['hunter2', 'line 1, column 1: unexpected character'],
    ['True', 'line 1, column 1: unexpected character'],
    ['"a\nb"', 'line 1, column 3: bad control character in string literal'],
    ['{"a": [1, 2', "line 1, column 12: expected ',' or ']' after array element"],
    ['{"a":', 'line 1, column 6: the text ends too early'],
    ['', 'line 1, column 1: the text ends too early'],
  ])('%j is refused with its place', (text, why) => {
    expect(parseJson(text)).toEqual({ ok: false, error: `is not JSON at ${why}` })
  })

  test('the place of a bad character is right wherever it stands', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, at) => {
        const cut = at % (text.length + 1)
        const broken = `${text.slice(0, cut)}\u0001${text.slice(cut)}`
        const parsed = parseJson(broken)
        expect(parsed.ok ? null : parsed.error).toContain(`line 1, column ${cut + 1}:`)
      }),
    )
  })

  test('the complaint never repeats the text', () => {
    for (const text of [
      'hunter2',
      '{"password": hunter2}',
      '{"password":"hunter2"',
      '["hunter2" "hunter2"]',
      '"hunter2\\x"',
    ]) {
      const parsed = parseJson(text)
      expect(parsed.ok ? '' : parsed.error).toMatch(/^is not JSON/)
      expect(parsed.ok ? '' : parsed.error).not.toContain('hunter')
    }
  })
})

test('JSON is read as it is', () => {
  expect(parseJson(' {"a": [true, null, "\\u0041"]}\n')).toEqual({
    ok: true,
    value: { a: [true, null, 'A'] },
  })
})

test.each([
  [
    '{"a":"12345678901234567890 \\" 1e400",\n "b":[1.50, 12345678901234567890]}',
    'line 2, column 13',
    '12345678901234567000',
  ],
  ['-12345678901234567890', 'line 1, column 1', '-12345678901234567000'],
])('a number that would be sent on as another is refused: %j', (text, place, kept) => {
  expect(parseJson(text)).toEqual({
    ok: false,
    error: `has at ${place} a number that would become ${kept}; write it as a string`,
  })
})
