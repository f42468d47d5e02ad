/** Keys in AppConfig and in Turnout: readable, reversible, and never two for one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromAppConfigKey, isAllowedKey, toAppConfigKey } from '../../admin/storage/feature-flags/key.ts'

describe('a key', () => {
  test.each([
    ['new-feature', 'new-feature'],
    ['newFeature_2', 'newFeature_2'],
    ['CONDUIT_USE_REPOSITORY_PATTERN', 'x-CONDUIT_USE_REPOSITORY_PATTERN'],
    ['patterns.cqrs.enabled', 'x-patterns-_cqrs-_enabled'],
    ['2fa', 'x-2fa'],
    ['A-b.c', 'x-A--b-_c'],
    // These would read as something else.
    ['turnout', 'x-turnout'],
    ['x-2fa', 'x-x--2fa'],
    // This would not: "ray" needs no prefix.
    ['x-ray', 'x-ray'],
    ['x-', 'x-'],
  ])('%s stands in AppConfig as %s', (key, there) => {
    expect(toAppConfigKey(key)).toBe(there)
    expect(fromAppConfigKey(there)).toBe(key)
  })

  test('has room for 64 characters there', () => {
    expect(toAppConfigKey(`a${'b'.repeat(63)}`)).toHaveLength(64)
    expect(toAppConfigKey(`a${'b'.repeat(64)}`)).toBeNull()
    expect(toAppConfigKey(`A${'b'.repeat(61)}`)).toHaveLength(64)
    expect(toAppConfigKey(`A${'b'.repeat(62)}`)).toBeNull()
  })

  // Few characters, so that prefixes and pairs come up often.
  const turnoutKey = fc.stringMatching(/^[xA2][x.\-_A]{0,12}$/)
  const awsKey = fc.stringMatching(/^x[x\-_A]{0,12}$/)

  test('leads back to itself', () => {
    fc.assert(
      fc.property(turnoutKey, (key) => {
        const there = toAppConfigKey(key)!
        expect(isAllowedKey(there)).toBe(true)
        expect(fromAppConfigKey(there)).toBe(key)
      }),
    )
  })

  test('of AppConfig’s leads back to itself too, whoever made it', () => {
    fc.assert(
      fc.property(awsKey, (there) => {
        expect(toAppConfigKey(fromAppConfigKey(there))).toBe(there)
      }),
    )
  })
})
