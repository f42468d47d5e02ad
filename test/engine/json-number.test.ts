import { describe, expect, it } from 'vitest'
import { numberError } from '../../engine/json-number.ts'

describe('a number of a JSON text', () => {
  it.each([
    '0',
    '-0',
    '1',
    '1.0',
    '1.50',
    '0.1',
    '-2.5e3',
    '33.333333333333333333333',
    '0.1000000000000000055511151231257827',
    '9007199254740991',
    '9007199254740992',
    '-9007199254740994',
    '9007199254740994.00',
    '12345678901234567000',
    '1000000000000000000000',
    '1e21',
    '1.0E+22',
    '0.001e25',
    '0e400',
    '0.000e-400',
    '1e-300',
    '1.7976931348623157e308',
    `1${'0'.repeat(300)}`,
  ])('may be %s', (literal) => {
    expect(numberError(literal)).toBeNull()
  })

  it.each([
    ['12345678901234567890', '12345678901234567000'],
    ['-12345678901234567890', '-12345678901234567000'],
    ['9007199254740993', '9007199254740992'],
    ['9007199254740991.5', '9007199254740992'],
    ['123456789012345678.5', '123456789012345680'],
    ['1234567890123456789e3', '1.2345678901234568e+21'],
    ['18446744073709551616', '18446744073709552000'],
    ['1e-400', '0'],
    ['-1E-400', '0'],
  ])('may not be %s, which would become %s', (literal, kept) => {
    expect(numberError(literal)).toBe(`a number that would become ${kept}; write it as a string`)
  })

  it.each(['1e400', '-1e400', `1${'0'.repeat(400)}`])(
    'may not be above what a double holds: %s',
    (literal) => {
      expect(numberError(literal)).toBe('a number that is too large to be kept; write it as a string')
    },
  )

  it('is accepted exactly if it comes back with the same value, for whole numbers of any size', () => {
    for (let digits = 1; digits < 40; digits++)
      for (const seed of ['1', '123456789', '9', '4503599627370497', '70000000000000000000001']) {
        const literal = seed.repeat(digits).slice(0, digits)
        const comesBack = BigInt(
          JSON.stringify(JSON.parse(literal)).replace(/^(\d+)(?:\.(\d+))?e\+(\d+)$/, expand),
        )
        expect(numberError(literal) === null, literal).toBe(comesBack === BigInt(literal))
      }
  })
})

const expand = (_: string, whole: string, fraction: string | undefined = '', power: string): string =>
  whole + fraction.padEnd(Number(power), '0')
