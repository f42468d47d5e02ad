/** `turnout login`, `logout`, `whoami` and `context`. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contextsFile, writeContexts } from '../../cli/contexts.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { TOKEN } from './fake-admin.ts'
import { startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const ME = { id: 'token:on-call', role: 'operator', projects: null, environments: ['prod'] }
const API = { 'GET /whoami': ME, 'GET /environments/prod': { name: 'prod' } }

describe('login', () => {
  test('asks for the token unseen, checks it, and keeps it for later commands', async () => {
    const api = await startApi(API)
    const configHome = temporaryFolder()
    const args = ['login', '--url', api.url, '--env', 'prod', '--context', 'work']
    const { code, out, err, asked } = await turnout(args, { configHome, answers: [TOKEN] })
    expect(asked).toEqual([{ question: `Token for ${api.url}: `, secret: true }])
    expect(out).toBe(`Logged in to ${api.url} as token:on-call (operator, in environment prod).
Commands mean environment prod from now on.
Kept as context "work" in ${contextsFile(configHome)}.
`)
    expect([code, err]).toEqual([0, ''])
    const later = await turnout(['whoami'], { configHome })
    expect(later.out).toBe(`token:on-call (operator, in environment prod)
at ${api.url}, by the token from turnout login
`)
  })

  test('reads the token from standard input where nobody sits', async () => {
    const api = await startApi(API)
    const configHome = temporaryFolder()
    const args = ['login', '--url', api.url, '--env', 'prod', '--json']
    const { code, out } = await turnout(args, { configHome, input: `${TOKEN}\n` })
    expect(JSON.parse(out)).toEqual({
      context: new URL(api.url).host,
      url: api.url,
      environment: 'prod',
      ...ME,
    })
    expect(code).toBe(0)
    expect((await turnout(['whoami'], { configHome })).code).toBe(0)
  })

  test.runIf(process.platform !== 'win32')('keeps it for the eyes of its owner alone', async () => {
    const api = await startApi(API)
    const configHome = temporaryFolder()
    const file = contextsFile(configHome)
    await turnout(['login', '--url', api.url], { configHome, input: TOKEN })
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600')
    chmodSync(file, 0o640)
    const { code, err } = await turnout(['whoami'], { configHome })
    expect(err).toBe(`turnout: ${file} holds tokens and others may read it: run chmod 600 ${file}\n`)
    expect(code).toBe(1)
  })

  test('keeps nothing that the control plane refuses', async () => {
    const api = await startApi(API)
    const configHome = temporaryFolder()
    const wrong = await turnout(['login', '--url', api.url], { configHome, input: 'tn_some-other-token' })
    expect(wrong.err).toBe(
      `turnout: the control plane refuses (401): There is no such token. The token came from what was entered; turnout login --url ${api.url} stores another.\n`,
    )
    const nowhere = await turnout(['login', '--url', api.url, '--env', 'nowhere'], {
      configHome,
      input: TOKEN,
    })
    expect(nowhere.err).toBe('turnout: the control plane refuses (404): There is no such thing.\n')
    expect([wrong.code, nowhere.code]).toEqual([1, 1])
    expect((await turnout(['context', 'list'], { configHome })).out).toMatch(/^Nobody is logged in/)
  })

  test('never prints a token, and takes none as an argument', async () => {
    const api = await startApi({ 'GET /whoami': { ...ME, id: `token:${TOKEN}` } })
    const { out } = await turnout(['login', '--url', api.url], { input: TOKEN })
    expect(out).toContain('as token:*** (operator')
    const { code, err } = await turnout(['login', '--url', api.url, '--token', TOKEN])
    expect(err).toMatch(/^turnout: login takes no --token, which all on this machine could see/)
    expect(err).not.toContain(TOKEN)
    expect(code).toBe(2)
  })

  test.each<[string, string[], string, string]>([
    ['no address', [], TOKEN, '--url is missing: the address of the control plane'],
    ['an address that is not https', ['--url', 'http://flags.example.com'], TOKEN, '--url must be https'],
    ['an empty token', ['--url', 'https://flags.example.com'], ' \n', 'no token was given'],
    ['a token of two lines', ['--url', 'https://flags.example.com'], 'tn_a\ntn_b', 'must be printable ASCII'],
  ])('goes nowhere with %s', async (_, args, input, sentence) => {
    const { code, err } = await turnout(['login', ...args], { input })
    expect(err).toContain(sentence)
    expect(err).not.toContain('tn_a')
    expect(code).toBeGreaterThan(0)
  })

  test('may be repeated for a context without its address', async () => {
    const api = await startApi(API)
    const configHome = temporaryFolder()
    const work = { url: api.url, token: 'tn_an-old-token' }
    writeContexts(configHome, { current: null, contexts: { work } })
    expect((await turnout(['login', '--context', 'work'], { configHome, input: TOKEN })).code).toBe(0)
    expect((await turnout(['whoami'], { configHome })).code).toBe(0)
  })
})

describe('logout', () => {
  test('forgets the token, and moves on to no other control plane by itself', async () => {
    const configHome = temporaryFolder()
    const [work, test] = [
      { url: 'https://a.example.com', token: 'tn_token-of-work' },
      { url: 'https://b.example.com', token: 'tn_token-of-test' },
    ]
    writeContexts(configHome, { current: 'work', contexts: { work, test } })
    const { code, out } = await turnout(['logout'], { configHome })
    expect(out).toBe('Forgot the token for https://a.example.com. It is still valid until it is revoked.\n')
    expect(code).toBe(0)
    expect(readFileSync(contextsFile(configHome), 'utf8')).not.toContain('tn_token-of-work')
    expect(JSON.parse((await turnout(['context', 'list', '--json'], { configHome })).out)).toEqual({
      current: null,
      contexts: [{ name: 'test', url: test.url, environment: null }],
    })
    expect((await turnout(['logout'], { configHome })).out).toBe('Nobody is logged in.\n')
  })
})

describe('contexts', () => {
  test('are listed without their tokens, and chosen by name', async () => {
    const configHome = temporaryFolder()
    const work = { url: 'https://a.example.com', token: 'tn_token-of-work', environment: 'prod' }
    const test = { url: 'https://b.example.com', token: 'tn_token-of-test' }
    writeContexts(configHome, { current: 'work', contexts: { work, test } })
    expect(
      (await turnout(['context', 'list'], { configHome })).out,
    ).toBe(`*  work  prod              https://a.example.com
   test  (no environment)  https://b.example.com
`)
    const { out } = await turnout(['context', 'use', 'test'], { configHome })
    expect(out).toBe('Commands mean https://b.example.com from now on.\n')
    expect((await turnout(['context', 'list'], { configHome })).out).toMatch(/^\* {2}test/m)
    const { code, err } = await turnout(['context', 'use', 'tset'], { configHome })
    expect(err).toBe('turnout: there is no context "tset": there is "work" or "test"\n')
    expect(code).toBe(1)
  })

  test.each(['', '{', '[]', '{"contexts":{"a":{"url":1}}}'])(
    'in a file that holds %j are an error',
    async (text) => {
      const configHome = temporaryFolder()
      writeContexts(configHome, { current: null, contexts: {} })
      writeFileSync(contextsFile(configHome), text)
      const { code, err } = await turnout(['whoami'], { configHome })
      expect(err).toBe(
        `turnout: ${contextsFile(configHome)} is not what turnout login writes: remove it and log in again\n`,
      )
      expect(code).toBe(1)
    },
  )
})
