/** Rules of AppConfig's variants in Turnout's language: every operator, and what cannot be said with its place. */
import { describe, expect, test } from 'vitest'
import { parseRule, showPosition } from '../../admin/storage/feature-flags/expression.ts'
import { RULE_OPERATORS, readRule } from '../../admin/storage/feature-flags/rule.ts'

/** Turnout's rules for a rule: condition and percentage of each alternative. */
function meaning(text: string) {
  const read = readRule(text)
  if (!read.ok) throw new Error(`${showPosition(text, read.error.at)}: ${read.error.message}`)
  return read.value.alternatives.map(({ conditions, split }) => [
    ...conditions,
    ...(split === null ? [] : [split.percentage]),
  ])
}

const is = (attribute: string, op: string, value: unknown) => ({ attribute, op, value })

const DE = is('country', 'equals', 'DE')
const ADULT = is('age', 'gte', 18)

describe('an operator', () => {
  const ROWS: [string, unknown[][]][] = [
    ['(eq $state "Virginia")', [[is('state', 'equals', 'Virginia')]]],
    ['(eq "Virginia" $state)', [[is('state', 'equals', 'Virginia')]]],
    ['(eq $beta true)', [[is('beta', 'equals', true)]]],
    ['(eq $age -7)', [[is('age', 'equals', -7)]]],
    ['(gt $age 65)', [[is('age', 'gt', 65)]]],
    ['(gte $age 65)', [[is('age', 'gte', 65)]]],
    ['(lt $age 1.5e3)', [[is('age', 'lt', 1500)]]],
    ['(lte $age 65)', [[is('age', 'lte', 65)]]],
    ['(gt 65 $age)', [[is('age', 'lt', 65)]]],
    ['(lte 65 $age)', [[is('age', 'gte', 65)]]],
    ['(gt $at 2012-03-04T05:06:07-08:00)', [[is('at', 'after', '2012-03-04T13:06:07.000Z')]]],
    ['(lt $at 2024-01)', [[is('at', 'before', '2024-01-01T00:00:00.000Z')]]],
    ['(gte $at 2024-01-02)', [[is('at', 'after', '2024-01-01T23:59:59.999Z')]]],
    ['(lte $at 2024-01-02)', [[is('at', 'before', '2024-01-02T00:00:00.001Z')]]],
    ['(lte 2024-01-02 $at)', [[is('at', 'after', '2024-01-01T23:59:59.999Z')]]],
    [
      '(eq $at 2024-01-02T03:04:05.5Z)',
      [
        [
          {
            all: [
              is('at', 'after', '2024-01-02T03:04:05.499Z'),
              is('at', 'before', '2024-01-02T03:04:05.501Z'),
            ],
          },
        ],
      ],
    ],
    ['(begins_with $state "A")', [[is('state', 'startsWith', 'A')]]],
    ['(ends_with $email "amazon.com")', [[is('email', 'endsWith', 'amazon.com')]]],
    ['(contains $promoCode "WIN")', [[is('promoCode', 'contains', 'WIN')]]],
    ['(in $userId ["123", "456"])', [[is('userId', 'in', ['123', '456'])]]],
    ['(in $userId [1, "b", true])', [[is('userId', 'in', [1, 'b', true])]]],
    ['(in $userId [])', [[is('userId', 'in', [])]]],
    ['(matches in::$greeting pattern::"h.*y")', [[is('greeting', 'matches', 'h.*y')]]],
    ['(matches pattern::".*foo.*" in::$greeting)', [[is('greeting', 'matches', 'foo')]]],
    ['(exists key::"country")', [[is('country', 'exists', true)]]],
    ['(split pct::10 by::$userId seed::"abc")', [[10]]],
    ['(split by::$uniqueId pct::0.125)', [[0.125]]],
    ['(not (eq $country "DE"))', [[{ not: DE }]]],
    ['(and (eq $country "DE") (gte $age 18))', [[{ all: [DE, ADULT] }]]],
    ['(or (eq $country "DE") (gte $age 18))', [[{ any: [DE, ADULT] }]]],
  ]

  test.each(ROWS)('%s', (text, alternatives) => {
    expect(meaning(text)).toEqual(alternatives)
  })

  test('is never left out of this table', () => {
    const shown = ROWS.map(([text]) => /^\((\w+)/.exec(text)?.[1])
    expect(RULE_OPERATORS.filter((operator) => !shown.includes(operator))).toEqual([])
  })
})

describe('a split among conditions', () => {
  test.each<[string, unknown[][]]>([
    ['(and (eq $country "DE") (split pct::10 by::$id))', [[DE, 10]]],
    ['(and (split pct::10 by::$id) (eq $country "DE") (gte $age 18))', [[DE, ADULT, 10]]],
    ['(or (eq $country "DE") (split pct::10 by::$id))', [[DE], [10]]],
    ['(or (split pct::10 by::$id) (and (eq $country "DE") (split pct::50 by::$id)))', [[10], [DE, 50]]],
    [
      '(and (or (eq $country "DE") (split pct::5 by::$id)) (gte $age 18))',
      [
        [DE, ADULT],
        [ADULT, 5],
      ],
    ],
    ['(and (split pct::30 by::$id) (split pct::20 by::$id))', [[20]]],
  ])('%s', (text, alternatives) => {
    expect(meaning(text)).toEqual(alternatives)
  })
})

describe('space and writing', () => {
  test('white space and lines do not count, and escapes are read', () => {
    expect(meaning('  (and\n  (eq $country "DE")\t( gte $age 18 )\n)\n')).toEqual([[{ all: [DE, ADULT] }]])
    expect(meaning('(eq $a "\\"\\\\\\n\\u00e9\\x41\\U0001F680/")')).toEqual([
      [is('a', 'equals', '"\\\né' + 'A🚀/')],
    ])
    expect(meaning('(eq $user.plan-name "Ḽơᶉëᶆ")')).toEqual([[is('user.plan-name', 'equals', 'Ḽơᶉëᶆ')]])
  })
})

describe('what cannot be read or said', () => {
  test.each([
    ['', 'column 1: expected "(", with which a rule begins, got the end of the rule'],
    ['true', 'column 1: expected "(", with which a rule begins, got "t"'],
    ['(eq $a "b"', 'column 1: this "(" is never closed'],
    ['(eq $a "b)', 'column 8: this string is never closed'],
    ['(eq $a "b")) ', 'column 12: expected the end of the rule, got ")"'],
    ['(in $a ["b" "c"])', 'column 13: expected "," or "]", got """'],
    ['(in $a ["b"', 'column 8: this "[" is never closed'],
    ['(eq $a 12abc)', 'column 10: expected a space or ")", got "a"'],
    ['(eq $a 1e999)', 'column 8: 1e999 is too large'],
    ['(eq $a 2024-02-30)', 'column 8: 2024-02-30 is no date that exists'],
    ['(eq $a "\\q")', 'column 9: unknown escape "\\q"'],
    ['(eq $a nope)', 'column 8: expected a value, got "n"'],
    ['($a)', 'column 2: expected an operator, got "$"'],
    [
      '(and\n  (eq $a 1)\n  (lik $b "x"))',
      'line 3, column 3: unknown operator "lik"; known are and, or, not, eq, gt, gte, lt, lte, begins_with, ends_with, contains, in, matches, exists, split',
    ],
    ['(eq $a $b)', 'column 8: a comparison with two context values cannot be expressed'],
    ['(eq 1 1)', 'column 1: "eq" must compare a context value such as $country'],
    ['(eq $a)', 'column 1: "eq" takes two values'],
    ['(eq $a 1 2)', 'column 10: "eq" takes two values'],
    ['(eq by::$a 1)', 'column 9: "eq" takes no by::'],
    ['(gt $a "x")', 'column 8: "gt" compares with a number or a time'],
    ['(contains $a 1)', 'column 14: "contains" takes a string'],
    ['(begins_with "a" $a)', 'column 18: "begins_with" takes a string'],
    ['(in $a "b")', 'column 8: "in" takes a list such as ["a", "b"]'],
    ['(in $a [2024-01])', 'column 9: a comparison with a time in a list cannot be expressed'],
    ['(matches $a "b")', 'column 10: "matches" takes in::, pattern::'],
    ['(matches in::$a pattern::"(a+)+")', 'column 26: the pattern must not use nested quantifiers'],
    ['(exists key::$a)', 'column 14: key:: must be the name of a context value'],
    ['(exists)', 'column 1: "exists" needs key::'],
    ['(not (eq $a 1) (eq $a 2))', 'column 16: "not" takes one expression'],
    ['(not (split pct::10 by::$a))', 'column 1: "not" around a split cannot be expressed'],
    ['(and $a)', 'column 6: "and" takes expressions in parentheses'],
    ['(or)', 'column 1: "or" takes at least one expression'],
    ['(split pct::101 by::$a)', 'column 13: pct:: must be a number from 0 to 100'],
    ['(split pct::0.0001 by::$a)', 'column 13: pct:: must not be finer than 0.001'],
    ['(split pct::10)', 'column 1: "split" needs by::'],
    ['(split pct::10 pct::10 by::$a)', 'column 21: pct:: is given twice'],
    ['(split pct::10 by::"a")', 'column 20: by:: must be a context value such as $userId'],
    ['(split pct::10 by::$a seed::"")', 'column 29: seed:: must be a string that is not empty'],
    [
      '(and (split pct::9 by::$a) (split pct::9 by::$b))',
      'column 28: splits by another value or seed than the split before it',
    ],
    [`${'(not '.repeat(32)}(eq $a 1)${')'.repeat(32)}`, 'column 161: expressions nest deeper than 32'],
    [
      `(and ${'(or (eq $a 1) (split pct::1 by::$b))'.repeat(6)})`,
      'column 1: has more than 32 combinations around its splits',
    ],
  ])('%s', (text, problem) => {
    expect(() => meaning(text)).toThrow(problem)
  })

  test('reads the names that mean the targeting key as it, wherever a rule has them, and no others', () => {
    const text =
      '(and (in $userId ["a"]) (eq $plan "pro") (exists key::"userId") (eq "userId" $name) (split pct::5 by::$userId))'
    const read = readRule(text, ['userId', 'uid'])
    expect(read.ok && read.value.alternatives).toMatchObject([
      {
        conditions: [
          is('targetingKey', 'in', ['a']),
          is('plan', 'equals', 'pro'),
          is('targetingKey', 'exists', true),
          is('name', 'equals', 'userId'),
        ],
        split: { by: 'targetingKey', percentage: 5 },
      },
    ])
    expect(readRule('(and (split pct::9 by::$userId) (split pct::8 by::$uid))', ['userId', 'uid']).ok).toBe(
      true,
    )
  })

  test('never throws, whatever the text', () => {
    for (const text of [
      '(',
      '[',
      '"',
      '(()',
      '(eq',
      '(eq $',
      '(eq::',
      '\u0000',
      '('.repeat(100_000),
      '(eq $a 1e999)',
    ])
      expect(parseRule(text).ok && readRule(text).ok).toBeTypeOf('boolean')
  })
})
