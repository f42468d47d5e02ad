/** Wrong command lines: one sentence, the usage, exit code 2. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { turnout } from './run.ts'

const FILE = ['import', '--env', 'dev', '--from', 'file', '--file', 'flags.json']
const APPCONFIG = ['import', '--env', 'dev', '--from', 'appconfig', '--application', 'a', '--profile', 'p']

const NO_ENVIRONMENT = '--env is missing; TURNOUT_ENV and turnout login --env set it for all commands'

test('--version says which version this is, and is an option of landing all the same', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const { code, out } = await turnout(['--version'], {
    root: fileURLToPath(new URL('../..', import.meta.url)),
  })
  expect([code, out]).toEqual([0, `turnout ${version}\n`])
  expect((await turnout(['landing', '--version', '0'])).err).toContain(
    '--version must be a whole number from 1',
  )
})

describe('a wrong command line', () => {
  test.each<[string[], string]>([
    [[], 'a command is missing'],
    [['imprt'], 'there is no command "imprt"; did you mean import?'],
    [['bogus'], 'there is no command "bogus"'],
    [['toString'], 'there is no command "toString"'],
    [['import'], '--from is missing'],
    [['import', '--from', 'file', '--file', 'flags.json'], NO_ENVIRONMENT],
    [['import', '--env', 'dev'], '--from is missing'],
    [['import', '--env', 'dev', '--from', 's3'], '--from must be ssm, appconfig or file, got "s3"'],
    [
      ['import', '--env', 'dev', '--from', 'constructor'],
      '--from must be ssm, appconfig or file, got "constructor"',
    ],
    [['import', '--env', 'dev', '--from', 'ssm'], '--from ssm needs --path'],
    [
      ['import', '--env', 'dev', '--from', 'ssm', '--path', 'flags'],
      '--path must begin with "/", for example /flags/prod, got "flags"',
    ],
    [
      ['import', '--env', 'dev', '--from', 'appconfig', '--application', 'a'],
      '--from appconfig needs --profile',
    ],
    [['import', '--env', 'dev', '--from', 'file'], '--from file needs --file'],
    [[...FILE, '--path', '/flags'], '--path belongs to --from ssm, not to --from file'],
    [[...FILE, '--region', 'eu-west-1'], '--region belongs to --from ssm, not to --from file'],
    [
      [...FILE, '--configuration-version', '1'],
      '--configuration-version belongs to --from appconfig, not to --from file',
    ],
    [
      [...APPCONFIG, '--configuration-version', '0'],
      '--configuration-version must be a whole number from 1, got "0"',
    ],
    [
      [...APPCONFIG, '--configuration-version', 'v2'],
      '--configuration-version must be a whole number from 1, got "v2"',
    ],
    [[...FILE, '--verbose'], 'there is no option --verbose'],
    [[...FILE, '--jsn'], 'there is no option --jsn; did you mean --json?'],
    [[...FILE, '--json=1'], '--json takes no value'],
    [[...FILE, '--tokn=tn_secret'], 'there is no option --tokn'],
    [[...FILE, '-x'], 'there is no option -x'],
    [[...FILE, '--reason'], '--reason needs a value'],
    [[...FILE, '--reason', '--dry-run'], '--reason needs a value'],
    [[...FILE, '--dry-run=yes'], '--dry-run takes no value'],
    [[...FILE, '--reason', ''], '--reason must not be empty'],
    [[...FILE, '--env', 'prod'], '--env is given twice'],
    [[...FILE, 'more'], 'there is an argument too many: "more"'],
    [[...FILE, '--reason', 'x'.repeat(501)], '--reason may have 500 characters, has 501'],
    [[...FILE, '--url', 'localhost:8788'], '--url must be an http or https address, got "localhost:8788"'],
    [
      [...FILE, '--url', 'http://u:p@127.0.0.1'],
      '--url must not hold credentials; turnout login takes the token',
    ],
    [[...FILE, '--url', 'http://127.0.0.1/?a=b'], '--url must have no query and no fragment'],
  ])('%j: %s', async (args, sentence) => {
    const { code, out, err } = await turnout(args)
    expect(err.split('\n')[0]).toBe(`turnout: ${sentence}`)
    expect(err).toMatch(/\n\nusage: turnout .*\nturnout .*--help says more\.\n$|\n\nUsage: turnout /)
    expect(err).not.toContain('tn_secret')
    expect(out).toBe('')
    expect(code).toBe(2)
  })

  test('is wrong, too, if TURNOUT_URL is no address', async () => {
    const { code, err } = await turnout(FILE, { env: { TURNOUT_URL: 'ftp://example.com' } })
    expect(err).toMatch(/^turnout: TURNOUT_URL must be an http or https address, got "ftp:\/\/example.com"\n/)
    expect(code).toBe(2)
  })
})

describe('help', () => {
  test.each([[['--help']], [['-h']], [['help']]])('%j lists the commands', async (args) => {
    const { code, out, err } = await turnout(args)
    expect(out).toMatch(/^Usage: turnout \[options\] \[command\]/)
    expect(out).toMatch(/^ {2}import \[options\] +bring flags from SSM/m)
    expect([code, err]).toEqual([0, ''])
  })

  test('of a command wins over everything else on the line', async () => {
    const { code, out, err } = await turnout(['import', '--verbose', '--help'])
    expect(out).toMatch(/^Usage: turnout import \[options\]/)
    for (const option of [
      'path',
      'application',
      'configuration-version',
      'file',
      'dry-run',
      'reason',
      'url',
      'token',
      'json',
      'env',
    ])
      expect(out).toContain(`--${option}`)
    expect([code, err]).toEqual([0, ''])
  })
})
