/**
 * Which regular expressions `matches` accepts. What is accepted must be answered in bounded time, so every pattern here that
 * once ran away stays refused, and patterns that people write stay accepted.
 */
import { describe, expect, it } from 'vitest'
import { patternProblem } from '../../engine/pattern.ts'

describe('a pattern that could run away is refused', () => {
  it.each([
    ['(a+)+', /nested quantifiers/],
    ['(?:a?b?)*', /nested quantifiers/],
    ['(a|a)*b', /begin alike/],
    ['^(?:a|ab)+$', /begin alike/],
    ['^(?:à|à)*$', /begin alike/],
    ['^(?:\\p{L}|\\w)+$', /begin alike/],
    ['^(?:a(?:|a)(?:|a))*!', /can be empty/],
    ['a*a*b', /too long/],
    ['.*foo.*bar', /too long/],
    ['x*x*x*x*', /too long/],
    ['^(x*)(x*)(x*)y', /too long/],
    ['^à*à*à*à*à*à*$', /too long/],
    [`${'a?'.repeat(24)}b`, /too long/],
    ['\\ba*a*b', /too long/],
    ['(a)\\1', /back-references/],
    ['(?<n>a)\\k<n>', /back-references/],
    ['(?=a)b', /look-ahead/],
    ['(?<!a)b', /look-ahead/],
    ['a{1,2000}', /at most 1000/],
    ['(((((((((a)))))))))', /deeper/],
    ['[', /regular expression/],
    ['a'.repeat(1001), /at most 1000 characters/],
  ])('%s', (pattern, why) => {
    expect(patternProblem(pattern)).toMatch(why)
  })
})

describe('a pattern that people write is accepted', () => {
  it.each([
    '',
    '^a+$',
    '^v\\d+\\.\\d+',
    '\\d{3}-\\d{4}',
    '^(?:GET|POST)$',
    '^(foo|bar)+$',
    '^[\\w.]+@example\\.com$',
    '^[\\w.+-]+@[\\w.-]+\\.(?:com|org)$',
    'foo.*bar',
    '^.*foo.*bar',
    'iPhone|iPad|Android',
    '^/api/v[12]/',
    '^\\p{L}+$',
    '^[à-ö]+$',
    '^(?<name>[a-z]+)-\\d+$',
  ])('%s', (pattern) => {
    expect(patternProblem(pattern)).toBeNull()
  })
})

describe('what is no regular expression', () => {
  it.each([
    ['a(', 'Unterminated group'],
    ['\\p{L}[a', 'Unterminated character class'],
    ['\\p{Lu}\\p{Nothing}\\p{L}(', 'Invalid property name'],
    ['[\\p{L}-a]', 'Invalid character class'],
    ['\\\\p{L}', 'Incomplete quantifier'],
  ])('is shown as it was written: %s', (pattern, why) => {
    expect(patternProblem(pattern)).toBe(
      `must be a regular expression: Invalid regular expression: /${pattern}/u: ${why}`,
    )
  })
})

describe('two things overlap where they share a character', () => {
  /** A repeated group is refused where its alternatives begin alike. */
  const overlap = (one: string, other: string): boolean => patternProblem(`^(?:${one}|${other})+$`) !== null

  it.each([
    ['[a-f]', 'c'],
    ['[^a-f]', 'g'],
    ['[--/]', '\\.'],
    ['[+-]', '\\-'],
    ['[\\w-]', '-'],
    ['[\\d.]', '7'],
    ['[\\x41-\\u0043]', 'B'],
    ['[\\u{41}-\\u{1F600}]', 'z'],
    ['[A-\\uD83D\\uDE00]', 'z'],
    ['[\\0-\\cZ]', '\\t'],
    ['[\\b]', '\\x08'],
    ['[\\]]', '\\]'],
    ['[\\\\]', '\\\\'],
    ['[\\p{Lu}]', 'Q'],
    ['\\P{L}', '5'],
    ['\\cJ', '\\n'],
    ['.', 'x'],
    ['\\S', '\\W'],
    ['é', 'à'],
  ])('%s and %s', (one, other) => {
    expect(overlap(one, other)).toBe(true)
  })

  it.each([
    ['[a-f]', 'g'],
    ['[^a-f]', 'b'],
    ['[+-]', ','],
    ['[\\w-]', '\\.'],
    ['[\\d.]', 'a'],
    ['[\\b]', 'b'],
    ['[\\]]', '\\['],
    ['[\\p{Lu}]', 'q'],
    ['\\d', '[a-z]'],
    ['.', '\\n'],
    ['a', 'é'],
    ['[]', 'a'],
  ])('not %s and %s', (one, other) => {
    expect(overlap(one, other)).toBe(false)
  })
})
