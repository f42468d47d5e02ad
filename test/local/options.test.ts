import { describe, expect, test } from 'vitest'
import { parseOptions } from '../../local/options.ts'

const parse = (env: Record<string, string>) => parseOptions(env, '/project')

describe('options of a local run', () => {
  test('without variables: the ports of the README, state in .turnout, a token of its own', () => {
    expect(parse({})).toEqual({
      edgePort: 8787,
      adminPort: 8788,
      originPorts: { stable: 8781, canary: 8782 },
      stateDir: '/project/.turnout',
      adminToken: null,
      store: {},
    })
  })

  test('each variable is taken', () => {
    const env = {
      TURNOUT_EDGE_PORT: '80',
      TURNOUT_ADMIN_PORT: '65535',
      TURNOUT_STABLE_PORT: '9001',
      TURNOUT_CANARY_PORT: '9002',
      TURNOUT_STATE_DIR: '/var/lib/turnout',
      TURNOUT_ADMIN_TOKEN: 'tn_0123456789abcdef',
    }
    expect(parse(env)).toEqual({
      edgePort: 80,
      adminPort: 65535,
      originPorts: { stable: 9001, canary: 9002 },
      stateDir: '/var/lib/turnout',
      adminToken: 'tn_0123456789abcdef',
      store: {},
    })
  })

  test('where documents live is passed on to whoever sets STORE, and nobody else', () => {
    const secrets = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }
    const aws = { ...secrets, AWS_REGION: 'eu-west-1', AWS_PROFILE: 'mine' }
    expect(parse(aws).store).toEqual({})
    expect(parse({ ...aws, STORE: 'ssm', STORE_PREFIX: '' }).store).toEqual({
      ...{ ...secrets, STORE: 'ssm', AWS_REGION: 'eu-west-1' },
    })
  })

  test.each([
    [{ STORE: 'dynamodb' }, 'STORE must be one of embedded, ssm, appconfig, got "dynamodb"'],
    [{ STORE: 'ssm' }, 'AWS_REGION must be a region such as eu-west-1, got ""'],
    [
      { STORE: 'ssm', AWS_REGION: 'eu-west-1' },
      'AWS_ACCESS_KEY_ID is missing: the store in AWS needs credentials',
    ],
    [
      { STORE: 'embedded', POLL_INTERVAL_MS: '5s' },
      'POLL_INTERVAL_MS must be a whole number from 1000 to 3600000, got "5s"',
    ],
  ])('what is wrong with where documents live is said before anything starts: %j', (env, sentence) => {
    expect(() => parse(env)).toThrow(sentence)
  })

  test('an empty variable counts as not set', () => {
    expect(parse({ TURNOUT_EDGE_PORT: '', TURNOUT_STATE_DIR: '' })).toEqual(parse({}))
  })

  test('a relative state folder starts at the project', () => {
    expect(parse({ TURNOUT_STATE_DIR: 'tmp/state' }).stateDir).toBe('/project/tmp/state')
  })

  test.each(['http', '-1', '1.5', '65536', '8787 ', '0x50', '1e3'])(
    'refuses the port %j by name',
    (value) => {
      expect(() => parse({ TURNOUT_ADMIN_PORT: value })).toThrow(
        `TURNOUT_ADMIN_PORT must be a port, 0 (any free one) to 65535, got ${JSON.stringify(value)}`,
      )
    },
  )

  test('refuses one port for both Workers, but not two times "any"', () => {
    expect(() => parse({ TURNOUT_EDGE_PORT: '8788' })).toThrow('must differ, both are 8788')
    expect(parse({ TURNOUT_EDGE_PORT: '0', TURNOUT_ADMIN_PORT: '0' }).edgePort).toBe(0)
  })

  test('refuses a token that the control plane would refuse, or that no header could carry', () => {
    expect(() => parse({ TURNOUT_ADMIN_TOKEN: 'short' })).toThrow('at least 16 characters, has 5')
    expect(() => parse({ TURNOUT_ADMIN_TOKEN: "it's a secret, really" })).toThrow('may hold only letters')
  })
})
