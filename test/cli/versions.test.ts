/** `turnout versions` and `turnout env`, as far as the API is told and the user is. */
import { describe, expect, test } from 'vitest'
import { comparisonLines } from '../../cli/comparison.ts'
import { problem } from './fake-admin.ts'
import { type Call, says, startApi } from './fake-api.ts'
import { location, propagation } from './propagation.ts'
import { turnout } from './run.ts'

const VERSION = {
  version: 12,
  epoch: 1,
  createdAt: '2026-11-21T10:00:00.250Z',
  actor: 'token:ci',
  reason: 'release 12',
  changeCount: 3,
  changes: [
    { kind: 'flag', key: 'beta', change: 'changed' },
    { kind: 'flag', key: 'new', change: 'added' },
    { kind: 'route', key: 'old', change: 'removed' },
  ],
  labels: ['release-12'],
}
const FIRST = { ...VERSION, version: 1, reason: null, changeCount: 0, changes: [], labels: [] }

describe('versions list', () => {
  test('shows the newest, with what changed, by whom and why', async () => {
    const api = await startApi({
      'GET /environments/prod/versions': { items: [VERSION, FIRST], nextCursor: null },
    })
    const { code, out } = await turnout(['versions', 'list'], api)
    expect(out).toBe(`VERSION  PUBLISHED             BY        CHANGES                 LABELS      REASON
12       2026-11-21 10:00:00Z  token:ci  ~ flag beta and 2 more  release-12  release 12
1        2026-11-21 10:00:00Z  token:ci  none
`)
    expect(code).toBe(0)
    expect(api.calls[0]!.line).toBe('GET /environments/prod/versions?limit=20')
    await turnout(['versions', 'list', '--limit', '3'], api)
    expect(api.calls[1]!.line).toBe('GET /environments/prod/versions?limit=3')
  })
})

describe('versions show', () => {
  const document = { flags: { beta: true } }
  const answers = { 'GET /environments/prod/versions/12': { ...VERSION, document } }

  test('shows every change, and the document when asked', async () => {
    const api = await startApi(answers)
    expect(
      (await turnout(['versions', 'show', '12'], api)).out,
    ).toBe(`Version 12 of prod, 2026-11-21 10:00:00Z, token:ci: release 12
  ~ flag beta
  + flag new
  - route old
`)
    const { out } = await turnout(['versions', 'show', '12', '--document'], api)
    expect(out).toBe(`${JSON.stringify(document, null, 2)}\n`)
    const json = JSON.parse((await turnout(['versions', 'show', '12', '--json'], api)).out)
    expect(json).toEqual({ environment: 'prod', ...VERSION, document })
  })

  test('takes a label, too', async () => {
    const api = await startApi({ 'GET /environments/prod/versions/release-12': { ...VERSION, document } })
    expect((await turnout(['versions', 'show', 'release-12'], api)).out).toMatch(/^Version 12 of prod/)
  })
})

const DIFFERENCES = {
  differences: [
    {
      kind: 'flag',
      key: 'beta',
      change: 'changed',
      patch: [
        { op: 'test', path: '/percentage', value: 50 },
        { op: 'replace', path: '/percentage', value: 25 },
      ],
    },
    { kind: 'flag', key: 'new', change: 'removed', patch: [{ op: 'remove', path: '' }] },
    { kind: 'route', key: 'web', change: 'changed', patch: null },
  ],
  same: 9,
  reordered: true,
}
const LINES = `  ~ flag beta
      percentage 50 → 25
  - flag new
  ~ route web
      too large to show
  ~ the order of the routes
3 differences; 9 flags, segments and routes are the same.
`

describe('versions diff', () => {
  test('shows what changed within what, up to the document now unless told otherwise', async () => {
    const api = await startApi({
      'GET /environments/prod': { version: 12 },
      'GET /environments/prod/versions/11/diff/12': DIFFERENCES,
      'GET /environments/prod/versions/12/diff/12': { differences: [], same: 10, reordered: false },
    })
    const { code, out } = await turnout(['versions', 'diff', '11'], api)
    expect(out).toBe(`prod, from version 11 to 12:\n${LINES}`)
    expect(code).toBe(0)
    expect((await turnout(['versions', 'diff', '12', '12'], api)).out).toContain('Nothing differs.')
  })
})

test('versions restore of one that does not exist says that and nothing else', async () => {
  const api = await startApi({ 'GET /environments/prod': { version: 12 } })
  const { code, out, err } = await turnout(['versions', 'restore', '99'], api)
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain('There is no such thing.')
})

test('a comparison of which one thing is the same says so in the singular', () => {
  const found = { differences: [], same: 1, reordered: true, patch: null }
  expect(comparisonLines(found as never).at(-1)).toBe('0 differences; 1 flag, segment or route is the same.')
})

describe('versions restore', () => {
  const restoring = (settings: object) => ({
    'GET /environments/prod': { version: 12, approvals: 0, tier: null, ...settings },
    'GET /environments/prod/versions/12/diff/11': DIFFERENCES,
    'POST /environments/prod/versions/11/restore': { version: 13, warnings: [] },
    'GET /environments/prod/propagation': propagation([location('FRA', 2, 2, 900)]),
  })

  test('shows what it changes, publishes, and watches it arrive', async () => {
    const api = await startApi(restoring({}))
    const { code, out } = await turnout(['versions', 'restore', '11', '--reason', 'errors'], api)
    expect(out).toBe(`prod, from version 12 back to 11:
${LINES}Done: prod is at version 13, with the document of version 11.
  on 2 of 2 isolates with traffic
Landed: all 2 isolates with traffic, in 1 location, have it; the slowest after 900 ms.
`)
    expect(code).toBe(0)
    expect(api.calls.map(({ line }) => line).slice(2)).toEqual([
      'GET /environments/prod',
      'POST /environments/prod/versions/11/restore',
      'GET /environments/prod/propagation?version=13',
    ])
    expect(api.calls[3]!.body).toEqual({ reason: 'errors' })
  })

  describe.each([
    ['tier 1', { tier: 1 }],
    ['changes need 2 approvals', { approvals: 2 }],
  ])('of an environment that is protected (%s)', (why, settings) => {
    const args = ['versions', 'restore', '11', '--no-wait']

    test('asks first, and does nothing unless the answer is yes', async () => {
      const api = await startApi(restoring(settings))
      const question = `prod is protected (${why}). Publish the document of version 11 again? [y/N] `
      for (const answers of [['n'], [''], ['yo'], []]) {
        const { code, err, asked } = await turnout(args, { ...api, answers })
        expect(asked).toEqual([{ question, secret: false }])
        expect(err).toBe('turnout: nothing was done\n')
        expect(code).toBe(1)
      }
      expect(api.writes()).toEqual([])
      expect((await turnout(args, { ...api, answers: ['Y'] })).code).toBe(0)
    })

    test('needs --yes where nobody can answer', async () => {
      const api = await startApi(restoring(settings))
      const { code, err } = await turnout(args, api)
      expect(err).toBe(
        `turnout: prod is protected (${why}), so nothing was done: --yes says that it is meant\n`,
      )
      expect(code).toBe(1)
      expect((await turnout([...args, '--json'], { ...api, answers: ['y'] })).code).toBe(1)
      expect(api.writes()).toEqual([])
      expect((await turnout([...args, '--yes'], api)).code).toBe(0)
    })
  })

  test('that waits for others says who looks at it, and ends with 4', async () => {
    const approval = { id: 'prod:3', needed: 2, raising: ['flag beta: on for more'] }
    const waits = says(approval, { location: '/api/v1/approvals/prod:3' }, 202)
    const api = await startApi({ ...restoring({}), 'POST /environments/prod/versions/11/restore': waits })
    const { code, err } = await turnout(['versions', 'restore', '11'], api)
    expect(
      err,
    ).toBe(`turnout: it waits for the approval of 2 others, as prod:3. They look at it with turnout approvals show prod:3
  it raises exposure: flag beta: on for more
`)
    expect(code).toBe(4)
    const json = await turnout(['versions', 'restore', '11', '--json'], api)
    expect(JSON.parse(json.out)).toMatchObject({ approval, error: expect.any(String) })
  })

  test('breaks the glass only when told to, and why', async () => {
    const api = await startApi(restoring({}))
    const args = ['versions', 'restore', '11', '--no-wait']
    await turnout(args, api)
    await turnout([...args, '--break-glass', '--reason', 'all is down'], api)
    const posts = api.calls.filter(({ line }) => line.startsWith('POST'))
    expect(posts.map(({ headers }) => headers['x-turnout-break-glass'])).toEqual([undefined, 'true'])
    const { code, err } = await turnout([...args, '--break-glass'], api)
    expect(err).toContain('turnout: --break-glass needs --reason')
    expect(code).toBe(2)
  })
})

describe('versions label', () => {
  test('names a version', async () => {
    const api = await startApi({ 'PUT /environments/prod/labels/release-12': says(null) })
    const { out } = await turnout(['versions', 'label', 'release-12', '12', '--reason', 'x'], api)
    expect(out).toBe('Version 12 of prod is release-12.\n')
    expect(api.calls[0]).toMatchObject({
      line: 'PUT /environments/prod/labels/release-12?reason=x',
      body: { version: 12 },
    })
    const { code, err } = await turnout(['versions', 'label', 'release-12', 'v12'], api)
    expect(err).toContain('VERSION must be a whole number from 1, got "v12"')
    expect(code).toBe(2)
  })
})

describe('env', () => {
  test('lists environments', async () => {
    const dev = { name: 'dev', open: true, edgeHosts: [], tier: null, approvals: 0, promotesTo: 'prod' }
    const edgeHosts = ['www.example.com', 'example.com']
    const prod = { ...dev, name: 'prod', open: false, edgeHosts, tier: 1, approvals: 2, promotesTo: null }
    const api = await startApi({ 'GET /environments': { items: [dev, prod], nextCursor: null } })
    expect(
      (await turnout(['env', 'list'], api)).out,
    ).toBe(`ENVIRONMENT  TIER  APPROVALS  PROMOTES TO  EDGE HOSTS
dev                           prod         open: a local run
prod         1     2                       www.example.com, example.com
`)
  })

  test('creates one, and never changes one that is there', async () => {
    const api = await startApi({ 'PUT /environments/stage': says({ name: 'stage' }, {}, 201) })
    const hosts = ['--edge-host', 'stage.example.com', 'test.example.com']
    const more = ['--tier', '2', '--approvals', '1', '--promotes-to', 'prod', '--reason', 'new']
    const { code, out } = await turnout(['env', 'create', 'stage', ...hosts, ...more], api)
    expect(out).toBe('Created stage, with an empty document.\n')
    expect(code).toBe(0)
    const [put] = api.calls
    expect(put!.line).toBe('PUT /environments/stage?reason=new')
    expect(put!.headers['if-none-match']).toBe('*')
    expect(put!.body).toEqual({
      edgeHosts: ['stage.example.com', 'test.example.com'],
      tier: 2,
      approvals: 1,
      promotesTo: 'prod',
    })
  })

  test('compares two', async () => {
    const api = await startApi({ 'GET /environments/dev/compare/prod': DIFFERENCES })
    expect((await turnout(['env', 'compare', 'dev', 'prod'], api)).out).toBe(`From dev to prod:\n${LINES}`)
  })

  test.each(['.', '..'])('cannot be called %s, which would lead elsewhere', async (name) => {
    const api = await startApi({})
    const { code, err } = await turnout(['env', 'create', name], api)
    expect(err).toBe(`turnout: "${name}" cannot be the name of anything\n`)
    expect([code, api.calls.length]).toEqual([1, 0])
  })
})

describe('env promote', () => {
  const preview = {
    from: 'dev',
    fromVersion: 5,
    to: 'prod',
    version: 12,
    dryRun: true,
    ...DIFFERENCES,
    segments: ['testers'],
    kept: ['flag beta: allowlist'],
    raising: ['flag beta: on for more'],
    warnings: [{ path: '$.flags.beta', message: 'is never on' }],
  }
  const promoting = (settings: object) => ({
    'GET /environments/prod': { version: 12, approvals: 0, tier: null, ...settings },
    'POST /environments/dev/promote': ({ body }: Call) =>
      (body as { dryRun?: boolean }).dryRun ? preview : { ...preview, dryRun: false, version: 13 },
  })

  test('shows what it would change, then changes that and nothing else', async () => {
    const api = await startApi(promoting({}))
    const { code, out, err } = await turnout(['env', 'promote', 'dev', 'prod', 'beta', '--reason', 'x'], api)
    expect(out).toBe(`From dev (version 5) to prod (version 12):
${LINES}  segment testers comes along
  prod keeps flag beta: allowlist
  raises exposure: flag beta: on for more
Done: prod is at version 13.
`)
    expect(err).toBe('warning: $.flags.beta: is never on\n')
    expect(code).toBe(0)
    expect(api.calls.map(({ body }) => body)).toEqual([
      { to: 'prod', flags: ['beta'], dryRun: true },
      null,
      { to: 'prod', flags: ['beta'], reason: 'x', expected: 12 },
    ])
  })

  test('changes nothing in a dry run, and asks before a protected environment', async () => {
    const api = await startApi(promoting({ tier: 1 }))
    const dry = await turnout(['env', 'promote', 'dev', 'prod', '--all', '--dry-run'], api)
    expect(dry.out).toMatch(/\nDry run: nothing was changed\.\n$/)
    const { code, asked } = await turnout(['env', 'promote', 'dev', 'prod', '--all'], {
      ...api,
      answers: ['n'],
    })
    expect(asked[0]!.question).toBe('prod is protected (tier 1). Copy this to prod? [y/N] ')
    expect(code).toBe(1)
    expect(api.calls.filter(({ body }) => body !== null).map(({ body }) => body)).toEqual([
      { to: 'prod', flags: 'all', dryRun: true },
      { to: 'prod', flags: 'all', dryRun: true },
    ])
  })

  test('takes either keys or --all', async () => {
    for (const more of [[], ['beta', '--all']]) {
      const { code, err } = await turnout(['env', 'promote', 'dev', 'prod', ...more], await startApi({}))
      expect(err).toContain('turnout: give either keys of flags, or --all')
      expect(code).toBe(2)
    }
  })
})

describe('a refusal', () => {
  test.each([
    [
      'environment',
      'There is no environment "prdo". Did you mean "prod"?',
      'turnout env list says which there are.',
    ],
    ['flag', 'There is no flag "chekcout".', 'turnout flags list --env prod says which there are.'],
    ['version', 'There is no version "99".', 'turnout versions list --env prod says which there are.'],
    ['kill', 'There is no kill "flag:x".', 'turnout kills list --env prod says what is killed.'],
    ['label', 'There is no label "x".', null],
  ])('because there is no such %s names the next command', async (_, detail, next) => {
    const api = await startApi({ 'GET /environments/prod/flags/x': problem(404, detail) })
    const { code, err } = await turnout(['flags', 'get', 'x'], api)
    expect(err).toBe(
      `turnout: the control plane refuses (404): ${detail}${next === null ? '' : ` ${next}`}\n`,
    )
    expect(code).toBe(1)
  })

  test.each<[number, Record<string, string>, string]>([
    [403, {}, 'This needs the role editor. What this token may do, turnout whoami says.'],
    [429, { 'retry-after': '7' }, 'This needs the role editor. Try again in 7 s.'],
    [
      503,
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
      'This needs the role editor. Its log has it under request request-1.',
    ],
  ])('%i says what to do next', async (status, headers, words) => {
    const refusal = { ...problem(status, 'This needs the role editor.'), headers }
    const api = await startApi({ 'GET /environments': refusal })
    const { code, err } = await turnout(['env', 'list'], api)
    expect(err).toBe(`turnout: the control plane refuses (${status}): ${words}\n`)
    expect(code).toBe(1)
  })
})
