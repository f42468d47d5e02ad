/** Settings of the edge: defaults, and messages that name what is wrong. */
import { describe, expect, it } from 'vitest'
import { type Env, parseConfig } from '../../worker/env.ts'

const key = 'k'.repeat(32)
const usual: Env = { ENVIRONMENT: 'prod', COOKIE_KEY: key }

describe('settings', () => {
  it('have the defaults of the specification', () => {
    expect(parseConfig(usual)).toMatchObject({
      environment: 'prod',
      maxAgeMs: 1_000,
      maxStaleMs: 2_000,
      refreshTimeoutMs: 1_000,
      coldLoadTimeoutMs: 5_000,
      local: false,
      fallbackOrigin: null,
      warnings: [],
    })
  })

  it('are taken from their variables, where an empty one means the default', () => {
    const config = parseConfig({
      ...usual,
      SNAPSHOT_MAX_AGE_MS: '500',
      SNAPSHOT_MAX_STALE_MS: '900',
      REFRESH_TIMEOUT_MS: '',
      COLD_LOAD_TIMEOUT_MS: '60000',
      FALLBACK_ORIGIN: 'https://www.example.com/base/',
      LOCAL: 'true',
    })
    expect(config).toMatchObject({
      maxAgeMs: 500,
      maxStaleMs: 900,
      refreshTimeoutMs: 1_000,
      coldLoadTimeoutMs: 60_000,
      fallbackOrigin: 'https://www.example.com/base',
      local: true,
    })
  })

  it.each<[Env, RegExp]>([
    [{ SNAPSHOT_MAX_AGE_MS: '5s' }, /SNAPSHOT_MAX_AGE_MS must be 1\.\.60000, got "5s"/],
    [{ SNAPSHOT_MAX_STALE_MS: '0' }, /SNAPSHOT_MAX_STALE_MS must be 1\.\.60000, got "0"/],
    [{ REFRESH_TIMEOUT_MS: '60001' }, /REFRESH_TIMEOUT_MS must be 1\.\.60000/],
    [{ COLD_LOAD_TIMEOUT_MS: '1.5' }, /COLD_LOAD_TIMEOUT_MS must be/],
    [{ COLD_LOAD_TIMEOUT_MS: '-1' }, /COLD_LOAD_TIMEOUT_MS must be/],
    [{ LOCATION_CACHE: 'yes' }, /LOCATION_CACHE must be "true" or "false", got "yes"/],
    [{ LOCAL: 'TRUE' }, /LOCAL must be "true" or "false", got "TRUE"/],
    [{ ENVIRONMENT: '' }, /ENVIRONMENT/],
    [{ COOKIE_KEY_ACCEPTED: 'short' }, /COOKIE_KEY_ACCEPTED must have at least 32 characters, got 5/],
    [{ SIGNING_KEY: 'short' }, /SIGNING_KEY must have at least 32 characters, got 5/],
    [{ COOKIE_KEY: 'short' }, /COOKIE_KEY must have at least 32 characters, got 5/],
    [{ FALLBACK_ORIGIN: 'www.example.com' }, /FALLBACK_ORIGIN must be/],
    [{ FALLBACK_ORIGIN: 'ftp://example.com' }, /FALLBACK_ORIGIN/],
    [{ FALLBACK_ORIGIN: 'https://u:p@example.com' }, /FALLBACK_ORIGIN/],
    [{ FALLBACK_ORIGIN: 'https://example.com/?x' }, /FALLBACK_ORIGIN/],
  ])('%j is refused', (wrong, message) => {
    expect(() => parseConfig({ ...usual, ...wrong })).toThrow(message)
  })

  it('that are wrong are all named at once, and a secret is never quoted', () => {
    const wrong = { ENVIRONMENT: '', COOKIE_KEY: 'hunter2', REFRESH_TIMEOUT_MS: 'x' }
    expect(() => parseConfig(wrong)).toThrow(/ENVIRONMENT.*COOKIE_KEY.*|COOKIE_KEY.*ENVIRONMENT/)
    expect(() => parseConfig(wrong)).toThrow(/REFRESH_TIMEOUT_MS/)
    expect(() => parseConfig(wrong)).not.toThrow(/hunter2/)
  })

  it('without a cookie key the edge serves, and warns', () => {
    const { warnings } = parseConfig({ ENVIRONMENT: 'prod' })
    expect(warnings.join()).toContain('COOKIE_KEY')
  })
})
