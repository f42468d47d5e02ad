import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectionOf, environmentOf, placeOf } from '../../cli/connection.ts'
import { type Contexts, writeContexts } from '../../cli/contexts.ts'
import type { CommonOptions, Variables } from '../../cli/world.ts'
import { leaveAddress, openState, secret } from '../../local/state.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const LOCAL = 'http://127.0.0.1:8788'
const PROD = { url: 'https://flags.example.com', token: 'stored-prod', environment: 'prod' }
const TEST = { url: 'https://test.example.com', token: 'stored-test' }

interface Given {
  readonly common?: CommonOptions
  readonly env?: Variables
  readonly contexts?: Contexts
  readonly root?: string
}

function asked({ common = {}, env = {}, contexts, root = temporaryFolder() }: Given) {
  const configHome = temporaryFolder()
  if (contexts !== undefined) writeContexts(configHome, contexts)
  return { common, env, configHome, root }
}

const url = (given: Given) => placeOf(asked(given)).url
const token = (given: Given) => connectionOf(asked(given)).token
const tokenFrom = (given: Given) => connectionOf(asked(given)).tokenFrom
const environment = (given: Given) => environmentOf(asked(given))
const contexts: Contexts = { current: 'prod', contexts: { prod: PROD, test: TEST } }

describe('the address', () => {
  test('is --url, else TURNOUT_URL, else that of the last login, else the local run', () => {
    const env = { TURNOUT_URL: 'https://variable.example.com/' }
    expect(url({ common: { url: 'http://127.0.0.1:9000' }, env, contexts })).toBe('http://127.0.0.1:9000')
    expect(url({ env, contexts })).toBe('https://variable.example.com')
    expect(url({ contexts })).toBe(PROD.url)
    expect(url({ env: { TURNOUT_URL: '' } })).toBe(LOCAL)
  })

  test('is that of the context that is named, whatever the variable says', () => {
    const env = { TURNOUT_URL: 'https://variable.example.com/' }
    expect(url({ common: { context: 'test' }, env, contexts })).toBe(TEST.url)
    expect(() => url({ common: { context: 'tset' }, contexts })).toThrow(
      'there is no context "tset": there is "prod" or "test"',
    )
    expect(() => url({ common: { context: 'constructor' }, contexts })).toThrow('there is no context')
    expect(() => url({ common: { context: 'test' } })).toThrow(
      'there is no context "test": none is logged in to; turnout login --url URL does that',
    )
    expect(() => url({ common: { context: 'test', url: LOCAL }, contexts })).toThrow('leave out --url')
  })

  test('of the local run is on its port, else where a run on the state folder listens, else on the usual port', () => {
    const root = temporaryFolder()
    expect(url({ root })).toBe(LOCAL)
    leaveAddress(openState(join(root, '.turnout')), 'http://127.0.0.1:28788')
    expect(url({ root })).toBe('http://127.0.0.1:28788')
    leaveAddress(openState(join(root, 'elsewhere')), 'http://127.0.0.1:38788')
    expect(url({ root, env: { TURNOUT_STATE_DIR: 'elsewhere' } })).toBe('http://127.0.0.1:38788')
    expect(url({ root, env: { TURNOUT_ADMIN_PORT: '9788' } })).toBe('http://127.0.0.1:9788')
    expect(url({ root, env: { TURNOUT_ADMIN_PORT: '0' } })).toBe('http://127.0.0.1:28788')
    expect(url({ root, contexts })).toBe(PROD.url)
    expect(() => url({ root, env: { TURNOUT_ADMIN_PORT: '97880' } })).toThrow(
      'TURNOUT_ADMIN_PORT must be a port, 0 to 65535, got "97880"',
    )
  })

  test('may have a path', () => {
    expect(url({ common: { url: 'https://example.com/turnout//' } })).toBe('https://example.com/turnout')
  })
})

describe('the token', () => {
  test('is --token, else TURNOUT_ADMIN_TOKEN, else the one stored for that address', () => {
    const env = { TURNOUT_ADMIN_TOKEN: 'from-env' }
    expect(token({ common: { token: 'from-option' }, env, contexts })).toBe('from-option')
    expect(token({ env, contexts })).toBe('from-env')
    expect(token({ contexts })).toBe('stored-prod')
    expect(token({ common: { url: TEST.url }, contexts })).toBe('stored-test')
  })

  test('of a context that is named wins over the variable, which may be meant for another place', () => {
    const env = { TURNOUT_ADMIN_TOKEN: 'from-env' }
    expect(token({ common: { context: 'test' }, env, contexts })).toBe('stored-test')
    expect(token({ common: { context: 'test', token: 'from-option' }, env, contexts })).toBe('from-option')
  })

  test('says where it came from', () => {
    expect(tokenFrom({ common: { token: 'a' } })).toBe('--token')
    expect(tokenFrom({ env: { TURNOUT_ADMIN_TOKEN: 'a' } })).toBe('TURNOUT_ADMIN_TOKEN')
    expect(tokenFrom({ contexts })).toBe('turnout login')
    expect(tokenFrom({ common: { context: 'test' }, contexts })).toBe('context "test"')
  })

  test('that is stored goes to no other address', () => {
    expect(() => token({ common: { url: 'https://elsewhere.example.com' }, contexts })).toThrow(
      'there is no admin token for https://elsewhere.example.com',
    )
    expect(() => token({ env: { TURNOUT_URL: 'https://elsewhere.example.com' }, contexts })).toThrow(
      'there is no admin token for https://elsewhere.example.com',
    )
  })

  test('is else the one that npm start keeps, in either place of its state', () => {
    const root = temporaryFolder()
    const kept = secret(openState(join(root, '.turnout')), 'admin-token')
    expect(token({ root })).toBe(kept)
    expect(token({ root, common: { url: 'http://localhost:1' } })).toBe(kept)
    expect(token({ root, common: { url: 'http://[::1]:1' } })).toBe(kept)
    const elsewhere = secret(openState(join(root, 'elsewhere')), 'admin-token')
    expect(token({ root, env: { TURNOUT_STATE_DIR: 'elsewhere' } })).toBe(elsewhere)
  })

  test('of the local run goes to no other machine', () => {
    const root = temporaryFolder()
    secret(openState(join(root, '.turnout')), 'admin-token')
    for (const away of ['https://flags.example.com', 'http://127.0.0.1.example.com', 'http://10.0.0.1'])
      expect(() => token({ root, common: { url: away } })).toThrow(
        `there is no admin token for ${away}: run turnout login --url ${away}, or set TURNOUT_ADMIN_TOKEN`,
      )
  })

  test('that is nowhere is asked for', () => {
    expect(() => token({})).toThrow(
      `there is no admin token for ${LOCAL}: run turnout login --url ${LOCAL}, or set TURNOUT_ADMIN_TOKEN, or start Turnout here with npm start`,
    )
  })

  test('that cannot be read is an error of its own', () => {
    const root = temporaryFolder()
    mkdirSync(join(root, '.turnout', 'admin-token'), { recursive: true })
    expect(() => token({ root })).toThrow('the token of the local run cannot be read: EISDIR')
  })

  test('that no header can hold is refused without being repeated', () => {
    const root = temporaryFolder()
    mkdirSync(join(root, '.turnout'))
    writeFileSync(join(root, '.turnout', 'admin-token'), 'two lines\nof token')
    expect(() => token({ root })).toThrow(/^the admin token must be printable ASCII(?!.*of token)/)
  })
})

describe('the environment', () => {
  test('is --env, else TURNOUT_ENV, else the one given at login', () => {
    const env = { TURNOUT_ENV: 'from-env' }
    expect(environment({ common: { env: 'from-option' }, env, contexts })).toBe('from-option')
    expect(environment({ env, contexts })).toBe('from-env')
    expect(environment({ contexts })).toBe('prod')
  })

  test('given at login for one control plane is not that of another', () => {
    expect(() => environment({ common: { context: 'test' }, contexts })).toThrow('--env is missing')
    expect(() => environment({ common: { url: LOCAL }, contexts })).toThrow('--env is missing')
  })
})
