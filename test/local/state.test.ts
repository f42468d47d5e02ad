import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { keepOriginPorts, keptOriginPorts, leaveAddress, openState, secret } from '../../local/state.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

describe('the state folder', () => {
  const fresh = () => openState(join(temporaryFolder(), 'deep', 'state'))
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

  test('is made for its owner alone, with the folders that workerd writes to', () => {
    const state = fresh()
    expect(mode(state.dir)).toBe('700')
    expect(readdirSync(state.dir)).toEqual(expect.arrayContaining(['storage', 'last-known-good']))
  })

  test('a secret is 256 random bits, kept, and readable by its owner alone', () => {
    const state = fresh()
    const token = secret(state, 'admin-token')
    expect(token).toMatch(/^tn_[\w-]{43}$/)
    expect(secret(openState(state.dir), 'admin-token')).toBe(token)
    expect(secret(state, 'cookie-key')).not.toBe(token)
    expect(mode(join(state.dir, 'admin-token'))).toBe('600')
  })

  test('a secret that others could read is closed to them', () => {
    const state = fresh()
    const token = secret(state, 'admin-token')
    chmodSync(join(state.dir, 'admin-token'), 0o644)
    expect(secret(state, 'admin-token')).toBe(token)
    expect(mode(join(state.dir, 'admin-token'))).toBe('600')
  })

  test('an emptied secret is generated anew', () => {
    const state = fresh()
    writeFileSync(join(state.dir, 'admin-token'), '\n')
    expect(secret(state, 'admin-token')).toMatch(/^tn_/)
    expect(readFileSync(join(state.dir, 'admin-token'), 'utf8')).toMatch(/^tn_/)
  })

  test('the origins find their ports again', () => {
    const state = fresh()
    expect(keptOriginPorts(state)).toBeNull()
    keepOriginPorts(state, { stable: 4001, canary: 4002 })
    expect(keptOriginPorts(openState(state.dir))).toEqual({ stable: 4001, canary: 4002 })
  })

  test('the command line finds the address of a run, and none once it has ended', () => {
    const state = fresh()
    const takeAway = leaveAddress(state, 'http://127.0.0.1:28788')
    expect(readFileSync(join(state.dir, 'admin-url'), 'utf8')).toBe('http://127.0.0.1:28788\n')
    takeAway()
    expect(readdirSync(state.dir)).not.toContain('admin-url')
    takeAway()
  })

  test('a folder that cannot be made is refused by the name of its variable', () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    expect(() => openState(join(file, 'state'))).toThrow(
      /^TURNOUT_STATE_DIR \(.*file.state\) cannot be written: ENOTDIR.*; set it to a folder of your own$/,
    )
    expect(() => openState(file)).toThrow(/^TURNOUT_STATE_DIR \(.*file\) cannot be written: ENOTDIR/)
    if (process.platform === 'linux')
      expect(() => openState('/proc/deep/state')).toThrow(
        /^TURNOUT_STATE_DIR \(.*\) cannot be written: ENOENT/,
      )
  })
})
