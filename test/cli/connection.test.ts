import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { adminToken, controlPlaneUrl } from '../../cli/connection.ts'
import { openState, secret } from '../../local/state.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const LOCAL = 'http://127.0.0.1:8788'

describe('the address', () => {
  test('is the option, else TURNOUT_URL, else the local run', () => {
    const env = { TURNOUT_URL: 'https://flags.example.com/' }
    expect(controlPlaneUrl('http://127.0.0.1:9000', env)).toBe('http://127.0.0.1:9000')
    expect(controlPlaneUrl(undefined, env)).toBe('https://flags.example.com')
    expect(controlPlaneUrl(undefined, { TURNOUT_URL: '' })).toBe(LOCAL)
  })

  test('may have a path', () => {
    expect(controlPlaneUrl('https://example.com/turnout//', {})).toBe('https://example.com/turnout')
  })
})

describe('the token', () => {
  test('is the option, else TURNOUT_ADMIN_TOKEN', () => {
    const env = { TURNOUT_ADMIN_TOKEN: 'from-env' }
    expect(adminToken('from-option', LOCAL, env, '/')).toBe('from-option')
    expect(adminToken(undefined, LOCAL, env, '/')).toBe('from-env')
  })

  test('is else the one that npm start keeps, in either place of its state', () => {
    const root = temporaryFolder()
    const kept = secret(openState(join(root, '.turnout')), 'admin-token')
    expect(adminToken(undefined, LOCAL, {}, root)).toBe(kept)
    expect(adminToken(undefined, 'http://localhost:1', {}, root)).toBe(kept)
    expect(adminToken(undefined, 'http://[::1]:1', {}, root)).toBe(kept)
    const elsewhere = secret(openState(join(root, 'elsewhere')), 'admin-token')
    expect(adminToken(undefined, LOCAL, { TURNOUT_STATE_DIR: 'elsewhere' }, root)).toBe(elsewhere)
  })

  test('of the local run goes to no other machine', () => {
    const root = temporaryFolder()
    secret(openState(join(root, '.turnout')), 'admin-token')
    for (const url of ['https://flags.example.com', 'http://127.0.0.1.example.com', 'http://10.0.0.1'])
      expect(() => adminToken(undefined, url, {}, root)).toThrow(
        `there is no admin token for ${url}: give --token or set TURNOUT_ADMIN_TOKEN`,
      )
  })

  test('that is nowhere is asked for', () => {
    expect(() => adminToken(undefined, LOCAL, {}, temporaryFolder())).toThrow(
      `there is no admin token for ${LOCAL}: give --token or set TURNOUT_ADMIN_TOKEN, or start Turnout here with npm start`,
    )
  })

  test('that cannot be read is an error of its own', () => {
    const root = temporaryFolder()
    mkdirSync(join(root, '.turnout', 'admin-token'), { recursive: true })
    expect(() => adminToken(undefined, LOCAL, {}, root)).toThrow(
      'the token of the local run cannot be read: EISDIR',
    )
  })

  test('that no header can hold is refused without being repeated', () => {
    const root = temporaryFolder()
    mkdirSync(join(root, '.turnout'))
    writeFileSync(join(root, '.turnout', 'admin-token'), 'two lines\nof token')
    expect(() => adminToken(undefined, LOCAL, {}, root)).toThrow(
      /^the admin token must be printable ASCII(?!.*of token)/,
    )
  })
})
