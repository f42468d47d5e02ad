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
