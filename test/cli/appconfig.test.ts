/** `turnout import --from appconfig` against the AWS emulator. */
import { describe, expect, test } from 'vitest'
import { type AwsApplication, awsWith } from './aws.ts'
import { startAdmin, TOKEN } from './fake-admin.ts'
import { turnout } from './run.ts'

const FLAGS = {
  'new-feature': { enabled: true, percentage: 50, allowlist: ['user1', 'user2'] },
  patterns: { cqrs: { enabled: true }, ddd: { enabled: false } },
}

const APPLICATIONS: AwsApplication[] = [
  { name: 'people-cards' },
  { name: 'fraud-or-not' },
  {
    name: 'media-register',
    profiles: [
      { name: 'limits', versions: { 1: '{}' } },
      { name: 'basic', type: 'AWS.AppConfig.FeatureFlags' },
      {
        name: 'flags',
        versions: { 1: '{"old":true}', 2: '{"old":false}', 10: JSON.stringify({ flags: FLAGS }) },
      },
      { name: 'in-s3', location: 's3://bucket/flags.json' },
      { name: 'empty' },
      { name: 'yaml', versions: { 3: 'flags:\n  a: true\n' } },
    ],
  },
  { name: 'twin' },
  {
    name: 'twin',
    profiles: [{ name: 'flags', versions: { 1: '{"a":true}' } }],
  },
]

async function start(applications = APPLICATIONS) {
  const [aws, admin] = [await awsWith({ applications }), await startAdmin()]
  const run = (application: string, profile: string, args: string[] = [], env: Record<string, string> = {}) =>
    turnout(
      [
        'import',
        '--env',
        'dev',
        '--from',
        'appconfig',
        '--application',
        application,
        '--profile',
        profile,
        '--url',
        admin.url,
        ...args,
      ],
      { env: { ...aws.env, TURNOUT_ADMIN_TOKEN: TOKEN, ...env } },
    )
  return { aws, admin, run }
}

describe('a freeform profile', () => {
  test('is found by name, over pages, and its newest version is read', async () => {
    const { aws, admin, run } = await start()
    const { code, out, err } = await run('media-register', 'flags')
    expect(err).toBe('')
    expect(out).toMatch(
      /^dev ← newest version, 10, of AppConfig profile flags of media-register \(eu-west-1\): 3 flags\n/,
    )
    expect(code).toBe(0)
    expect(admin.document().flags).toEqual({
      'new-feature': FLAGS['new-feature'],
      'patterns.cqrs.enabled': true,
      'patterns.ddd.enabled': false,
    })
    expect(aws.account.calls().map(({ action }) => action)).toEqual([
      ...Array(3).fill('appconfig:ListApplications'),
      ...Array(3).fill('appconfig:ListConfigurationProfiles'),
      ...Array(2).fill('appconfig:ListHostedConfigurationVersions'),
      'appconfig:GetHostedConfigurationVersion',
    ])
  })

  test('is found by id, and an older version can be asked for', async () => {
    const { aws, admin, run } = await start()
    const { code, out } = await run(aws.ids[2]!, aws.account.appConfig.applications[2]!.profiles[2]!.id, [
      '--configuration-version',
      '2',
      '--region',
      'us-east-1',
    ])
    expect(out).toMatch(
      /^dev ← version 2 of AppConfig profile flags of media-register \(us-east-1\): 1 flag\n/,
    )
    expect(code).toBe(0)
    expect(admin.document().flags).toEqual({ old: false })
    expect(aws.account.calls().map(({ action }) => action)).not.toContain(
      'appconfig:ListHostedConfigurationVersions',
    )
  })

  test('AWS_ENDPOINT_URL_APPCONFIG is heard', async () => {
    const { aws, run } = await start()
    const env = {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_APPCONFIG: aws.env.AWS_ENDPOINT_URL!,
    }
    expect((await run('media-register', 'flags', ['--dry-run'], env)).code).toBe(0)
  })
})

describe('a profile of feature flags', () => {
  const profile = (content: unknown): AwsApplication[] => [
    {
      name: 'shop',
      profiles: [
        { name: 'flags', type: 'AWS.AppConfig.FeatureFlags', versions: { 1: JSON.stringify(content) } },
        { name: 'freeform', versions: { 1: '{"a":true}' } },
      ],
    },
  ]
  const CONTENT = {
    version: '1',
    flags: {
      'new-feature': {
        ...{ name: 'New', description: 'A new one' },
        attributes: {
          percentage: { constraints: { type: 'number' } },
          allowlist: { constraints: { type: 'array' } },
        },
      },
      checkout: { name: 'Checkout', attributes: { steps: { constraints: { type: 'number' } } } },
    },
    values: {
      'new-feature': { enabled: true, percentage: 50, allowlist: ['user1'] },
      checkout: {
        _variants: [
          { name: 'some', enabled: true, rule: '(split pct::10 by::$userId)', attributeValues: { steps: 2 } },
          { name: 'default', enabled: false },
        ],
      },
    },
  }

  test('comes with its attributes as short forms and its variants with their rules', async () => {
    const { admin, run } = await start(profile(CONTENT))
    const { code, err } = await run('shop', 'flags')
    expect(err).toBe(
      'note: users change sides once in checkout: AWS does not publish the hash of its splits\n',
    )
    expect(code).toBe(0)
    expect(admin.document().flags).toMatchObject({
      'new-feature': { description: 'A new one', enabled: true, percentage: 50, allowlist: ['user1'] },
      checkout: { bucketBy: 'userId', rules: [{ id: 'some', percentage: 10, serve: 'some' }] },
    })
  })

  test('splits by the targeting key where it is told which name means it', async () => {
    const { admin, run } = await start(profile(CONTENT))
    expect((await run('shop', 'flags', ['--targeting-key', 'userId'])).code).toBe(0)
    expect(admin.document().flags.checkout).not.toHaveProperty('bucketBy')
    expect((await run('shop', 'freeform', ['--targeting-key', 'userId'])).err).toContain(
      '--targeting-key is for rules of feature flags, and profile freeform is of type AWS.Freeform',
    )
  })

  test('is not imported where a rule cannot be said, which is named', async () => {
    const variants = [
      { name: 'a', enabled: true, rule: '(not (split pct::5 by::$userId))' },
      { name: 'b', enabled: false },
    ]
    const { admin, run } = await start(
      profile({ version: '1', flags: { f: { name: 'f' } }, values: { f: { _variants: variants } } }),
    )
    const { code, err } = await run('shop', 'flags')
    expect(code).toBe(1)
    expect(err).toContain('$.values.f._variants[0].rule')
    expect(err).toContain('"not" around a split cannot be expressed')
    expect(admin.document().flags).toEqual({})
  })
})

describe('what cannot be imported', () => {
  test.each<[string, string, string[], string]>([
    [
      'nowhere',
      'flags',
      [],
      'there is no AppConfig application "nowhere" in eu-west-1; there is people-cards, fraud-or-not, media-register, twin, twin',
    ],
    [
      'media-register',
      'flag',
      [],
      'there is no configuration profile "flag" in application media-register; there is limits, basic, flags, in-s3, empty, yaml',
    ],
    [
      'people-cards',
      'flags',
      [],
      'there is no configuration profile "flags" in application people-cards; there is none at all',
    ],
    ['media-register', 'basic', [], 'profile basic has no hosted configuration version yet'],
    [
      'media-register',
      'in-s3',
      [],
      'profile in-s3 keeps its content in s3://bucket/flags.json; import reads hosted profiles',
    ],
    ['media-register', 'empty', [], 'profile empty has no hosted configuration version yet'],
    [
      'media-register',
      'flags',
      ['--configuration-version', '9'],
      'profile flags has no hosted configuration version 9',
    ],
    [
      'media-register',
      'limits',
      [],
      'newest version, 1, of AppConfig profile limits of media-register (eu-west-1): there are no flags',
    ],
    [
      'media-register',
      'yaml',
      [],
      'newest version, 3, of AppConfig profile yaml of media-register (eu-west-1) is not JSON at line 1, column 2: unexpected character',
    ],
  ])('%s, %s %j', async (application, profile, args, sentence) => {
    const { admin, run } = await start()
    const { code, err } = await run(application, profile, args)
    expect(err).toBe(`turnout: ${sentence}\n`)
    expect(code).toBe(1)
    expect(admin.requests).toEqual([])
  })

  test('a name that two have is refused, and the id of one is taken', async () => {
    const { aws, run } = await start()
    const [, , , one, other] = aws.ids
    const { code, err } = await run('twin', 'flags', ['--dry-run'])
    expect(err).toBe(
      `turnout: several AppConfig applications in eu-west-1 are named "twin": give one of their ids, ${one}, ${other}\n`,
    )
    expect(code).toBe(1)
    expect((await run(other!, 'flags', ['--dry-run'])).code).toBe(0)
  })
})

describe('AWS says no', () => {
  test('throttled once, it is asked again', async () => {
    const { aws, run } = await start()
    aws.fail('appconfig:GetHostedConfigurationVersion', {
      status: 429,
      type: 'ThrottlingException',
      message: 'Too Many Requests',
    })
    expect((await run('media-register', 'flags')).code).toBe(0)
    expect(
      aws.account.calls().filter(({ action }) => action === 'appconfig:GetHostedConfigurationVersion'),
    ).toHaveLength(2)
  })

  test.each([
    ['ListApplications', 403, 'AccessDeniedException', 'AWS denies appconfig:ListApplications: not you'],
    [
      'ListConfigurationProfiles',
      400,
      'BadRequestException',
      'appconfig:ListConfigurationProfiles failed (BadRequestException, HTTP 400): not you',
    ],
    [
      'ListHostedConfigurationVersions',
      404,
      'ResourceNotFoundException',
      'appconfig:ListHostedConfigurationVersions failed (ResourceNotFoundException, HTTP 404): not you',
    ],
    [
      'GetHostedConfigurationVersion',
      403,
      'AccessDeniedException',
      'AWS denies appconfig:GetHostedConfigurationVersion: not you',
    ],
  ])('%s answers %d', async (action, status, type, sentence) => {
    const { aws, admin, run } = await start()
    aws.fail(`appconfig:${action}`, { status, type, message: 'not you' })
    const { code, err } = await run('media-register', 'flags')
    expect(err).toBe(`turnout: ${sentence}\n`)
    expect(code).toBe(1)
    expect(admin.requests).toEqual([])
  })

  test('internal errors are tried again, but not for ever', async () => {
    const { aws, run } = await start()
    aws.fail(
      'appconfig:ListApplications',
      { status: 500, type: 'InternalServerException', message: 'later' },
      100,
    )
    const { code, err } = await run('media-register', 'flags', [], { AWS_MAX_ATTEMPTS: '2' })
    expect(err).toBe(
      'turnout: appconfig:ListApplications failed (InternalServerException, HTTP 500): later\n',
    )
    expect(code).toBe(1)
    expect(aws.account.calls()).toHaveLength(2)
  })
})
