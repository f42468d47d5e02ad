/** `turnout import --from ssm` against the AWS emulator. */
import { describe, expect, test } from 'vitest'
import { type AwsParameter, awsWith, NOTHING_OUTSIDE, THROTTLED } from './aws.ts'
import { startAdmin, TOKEN } from './fake-admin.ts'
import { turnout } from './run.ts'

const CALL = ['import', '--env', 'dev', '--from', 'ssm', '--path', '/flags/prod']

const PARAMETERS: AwsParameter[] = [
  { name: '/flags/prod/CONDUIT_USE_REPOSITORY_PATTERN', value: 'true' },
  { name: '/flags/prod/maintenance_mode', value: '"false"\n' },
  {
    name: '/flags/prod/new-feature',
    value: '{"enabled":true,"percentage":50,"allowlist":["user1","user2"]}',
  },
  {
    name: '/flags/prod/useBackendAPI',
    value: '{"enabled":true,"rolloutPercentage":10,"allowedUsers":["beta1"]}',
  },
  { name: '/flags/prod/patterns/cqrs/enabled', value: 'true' },
  { name: '/flags/prod/patterns/circuitBreaker', value: '{"enhanced":true}' },
  { name: '/flags/prod/hidden', value: '{"enabled":true,"salt":"hunter2"}', type: 'SecureString' },
  { name: '/flags/production/other', value: 'true' },
]

const IMPORTED = {
  CONDUIT_USE_REPOSITORY_PATTERN: true,
  maintenance_mode: 'false',
  'new-feature': { enabled: true, percentage: 50, allowlist: ['user1', 'user2'] },
  useBackendAPI: { enabled: true, rolloutPercentage: 10, allowedUsers: ['beta1'] },
  'patterns.cqrs.enabled': true,
  'patterns.circuitBreaker.enhanced': true,
  hidden: { enabled: true, salt: 'hunter2' },
}

async function start(parameters: readonly AwsParameter[] = PARAMETERS) {
  const [aws, admin] = [await awsWith({ parameters }), await startAdmin()]
  const run = (args: string[] = [], env: Record<string, string | undefined> = {}) =>
    turnout([...CALL, '--url', admin.url, ...args], {
      env: { ...aws.env, TURNOUT_ADMIN_TOKEN: TOKEN, ...env },
    })
  return { aws, admin, run }
}

describe('parameters below a path', () => {
  test('become flags named by the rest of their names', async () => {
    const { aws, admin, run } = await start()
    const { code, out, err } = await run()
    expect(err).toBe('')
    expect(out).toMatch(/^dev ← SSM parameters under \/flags\/prod \(eu-west-1\): 7 flags\n/)
    expect(code).toBe(0)
    expect(admin.document().flags).toEqual(IMPORTED)
    expect(aws.account.calls()).toMatchObject([
      {
        action: 'ssm:GetParametersByPath',
        region: 'eu-west-1',
        input: { Path: '/flags/prod', Recursive: true, WithDecryption: true, MaxResults: 10 },
      },
    ])
  })

  test('a slash at the end of the path makes no difference', async () => {
    const { aws, admin } = await start()
    const { code, out } = await turnout(
      ['import', '--env', 'dev', '--from', 'ssm', '--path', '/flags/prod//', '--url', admin.url],
      { env: { ...aws.env, TURNOUT_ADMIN_TOKEN: TOKEN } },
    )
    expect(out).toMatch(/^dev ← SSM parameters under \/flags\/prod \(eu-west-1\): 7 flags\n/)
    expect(code).toBe(0)
    expect(admin.document().flags).toEqual(IMPORTED)
  })

  test('--region wins over AWS_REGION, and AWS_ENDPOINT_URL_SSM over AWS_ENDPOINT_URL', async () => {
    const { aws, run } = await start()
    const { AWS_ENDPOINT_URL: endpoint } = aws.env
    const { code, out } = await run(['--region', 'ap-southeast-1'], {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_SSM: endpoint,
    })
    expect(out).toContain('(ap-southeast-1)')
    expect(code).toBe(0)
    expect(aws.account.calls()[0]!.region).toBe('ap-southeast-1')
  })

  test('are read page by page, ten at a time and not faster than ten calls a second', async () => {
    const many = Array.from({ length: 43 }, (_, n) => ({ name: `/flags/prod/flag-${n}`, value: 'true' }))
    const { aws, admin, run } = await start(many)
    const { code, waits } = await run()
    expect(code).toBe(0)
    expect(Object.keys(admin.document().flags)).toHaveLength(43)
    // Ten, none at all, then six at a time: AWS may give fewer than it is asked for.
    expect(aws.account.calls()).toHaveLength(8)
    expect(waits).toEqual(Array(7).fill(100))
  })

  test('that are not there at all are an error: a wrong path looks just like that', async () => {
    const { code, err } = await (await start([])).run()
    expect(err).toBe('turnout: SSM parameters under /flags/prod (eu-west-1): there are no flags\n')
    expect(code).toBe(1)
  })
})

describe('values that are not flags', () => {
  test('are all named, without their values, and nothing is written', async () => {
    const { admin, run } = await start([
      { name: '/flags/prod/good', value: 'true' },
      { name: '/flags/prod/yes', value: 'yes' },
      { name: '/flags/prod/number', value: '20031' },
      { name: '/flags/prod/list', value: '["hunter2"]' },
      { name: '/flags/prod/text', value: '"hunter2"' },
      { name: '/flags/prod/password', value: 'hunter2', type: 'SecureString' },
      { name: '/flags/prod/cut', value: '{"enabled": true' },
      { name: '/flags/prod/nested/share', value: '{"enabled":true,"percentage":150}' },
    ])
    const { code, err, out } = await run()
    expect(err).toBe(`turnout: SSM parameters under /flags/prod (eu-west-1): 7 errors, so nothing was changed
  /flags/prod/cut: must hold true, false or a flag as JSON; it is not JSON at line 1, column 17: expected ',' or '}' after property value
  /flags/prod/list: must hold true, false or a flag as JSON; it holds an array
  /flags/prod/number: must hold true, false or a flag as JSON; it holds a number
  /flags/prod/password: must hold true, false or a flag as JSON; it is not JSON at line 1, column 1: unexpected character
  /flags/prod/text: must hold true, false or a flag as JSON; it holds a string
  /flags/prod/yes: must hold true, false or a flag as JSON; it is not JSON at line 1, column 1: unexpected character
  $.flags['nested.share'].percentage: must be a number from 0 to 100, got 150 (from /flags/prod/nested/share)
`)
    expect(code).toBe(1)
    expect(admin.version()).toBe(7)
    expect(out + err).not.toMatch(/hunter2|20031/)
  })

  test('two parameters for one flag are both named', async () => {
    const { err } = await (
      await start([
        { name: '/flags/prod/a.b', value: 'true' },
        { name: '/flags/prod/a/b', value: 'true' },
      ])
    ).run()
    expect(err).toContain(
      "$.flags['a.b']: is there twice as /flags/prod/a.b: nested, and by its full dotted name (from /flags/prod/a/b)",
    )
  })
})

describe('AWS says no', () => {
  test('throttled once, it is asked again', async () => {
    const { aws, run } = await start()
    aws.fail('ssm:GetParametersByPath', THROTTLED)
    expect((await run()).code).toBe(0)
    expect(aws.account.calls()).toHaveLength(2)
  })

  test('throttled for good, the attempts are bounded', async () => {
    const { aws, admin, run } = await start()
    aws.fail('ssm:GetParametersByPath', THROTTLED, 100)
    const { code, err } = await run([], { AWS_MAX_ATTEMPTS: '2' })
    expect(err).toBe(
      'turnout: AWS still throttles ssm:GetParametersByPath after 2 attempts: try again later\n',
    )
    expect(code).toBe(1)
    expect(aws.account.calls()).toHaveLength(2)
    expect(admin.requests).toEqual([])
  })

  test.each([
    [
      'without permission',
      {
        status: 400,
        type: 'AccessDeniedException',
        message: 'User: arn:aws:iam::1:user/ada is not authorized to perform: ssm:GetParametersByPath',
      },
      'AWS denies ssm:GetParametersByPath: User: arn:aws:iam::1:user/ada is not authorized to perform: ssm:GetParametersByPath',
    ],
    [
      'with credentials that are too old',
      {
        status: 400,
        type: 'ExpiredTokenException',
        message: 'The security token included in the request is expired',
      },
      'AWS refuses the credentials (ExpiredTokenException): The security token included in the request is expired',
    ],
    [
      'for another reason',
      { status: 400, type: 'ValidationException', message: 'The parameter path is bad' },
      'ssm:GetParametersByPath failed (ValidationException, HTTP 400): The parameter path is bad',
    ],
  ])('%s', async (_, error, sentence) => {
    const { aws, admin, run } = await start()
    aws.fail('ssm:GetParametersByPath', error)
    const { code, err } = await run()
    expect(err).toBe(`turnout: ${sentence}\n`)
    expect(code).toBe(1)
    expect(aws.account.calls()).toHaveLength(1)
    expect(admin.requests).toEqual([])
  })

  test('on a later page, nothing is written', async () => {
    const many = Array.from({ length: 25 }, (_, n) => ({ name: `/flags/prod/flag-${n}`, value: 'true' }))
    const { aws, admin, run } = await start(many)
    aws.fail('ssm:GetParametersByPath', {
      status: 400,
      type: 'InvalidNextToken',
      message: 'The token is not valid.',
    })
    const { code } = await run()
    expect(code).toBe(1)
    expect(admin.requests).toEqual([])
  })

  test('a proxy answers in its place', async () => {
    const { aws, run } = await start()
    aws.fail('ssm:GetParametersByPath', { html: '<html>Bad gateway</html>', status: 502 }, 9)
    const { code, err } = await run([], { AWS_MAX_ATTEMPTS: '1' })
    expect(err).toBe(
      'turnout: ssm:GetParametersByPath was not answered by AWS but by something else (HTTP 502)\n',
    )
    expect(code).toBe(1)
  })
})

describe('no way to AWS', () => {
  test('without a region', async () => {
    const { code, err } = await (await start()).run([], { AWS_REGION: undefined })
    expect(err).toBe('turnout: AWS needs a region: give --region or set AWS_REGION\n')
    expect(code).toBe(1)
  })

  test('without credentials', async () => {
    const { code, err } = await (await start()).run([], {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
    })
    expect(err).toMatch(
      /^turnout: no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY \(/,
    )
    expect(code).toBe(1)
  })

  test('without an endpoint', async () => {
    const env = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' }
    const { code, err } = await (await start()).run([], env)
    expect(err).toBe(
      'turnout: the AWS endpoint for ssm:GetParametersByPath cannot be reached: connect ECONNREFUSED 127.0.0.1:1\n',
    )
    expect(code).toBe(1)
  })
})

describe('secrets', () => {
  test('of a SecureString are never printed', async () => {
    const { admin, run } = await start()
    const runs = [await run(['--dry-run']), await run(['--dry-run', '--json']), await run()]
    admin.edit(({ flags }) => ({ flags: { ...flags, hidden: { enabled: true, salt: 'hunter2-too' } } }))
    runs.push(await run(['--dry-run']), await run(['--dry-run', '--json']))
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
    expect(runs[0]!.out).toContain('  + hidden  (encrypted, not shown)')
    expect(runs[3]!.out).toContain('  ~ hidden  (encrypted, not shown)')
    expect(runs.map(({ out, err }) => out + err).join()).not.toContain('hunter2')
  })

  test('of the credentials are never printed, even when AWS repeats what was signed', async () => {
    const { aws, run } = await start()
    const wrong = 'not-the-secret-access-key-of-anybody'
    const { code, err, out } = await run([], { AWS_SECRET_ACCESS_KEY: wrong })
    expect(err).toBe(
      'turnout: AWS refuses the credentials (InvalidSignatureException): The request signature we calculated does not match the signature you provided.\n',
    )
    expect(code).toBe(1)
    const repeated = {
      status: 400,
      type: 'ValidationException',
      message: `bad token ${aws.env.AWS_SESSION_TOKEN}`,
    }
    aws.fail('ssm:GetParametersByPath', repeated)
    expect((await run()).err).toContain('bad token ***')
    expect(out + err).not.toContain(wrong)
  })
})

test('nothing of AWS is asked when the command line is wrong', async () => {
  const { code } = await turnout([...CALL, '--file', 'x'], { env: NOTHING_OUTSIDE })
  expect(code).toBe(2)
})
