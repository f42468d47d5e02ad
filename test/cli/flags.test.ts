/** `turnout flags`, as far as the API is told and the user is. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { flagSummary } from '../../cli/flag-summary.ts'
import { canonicalFlag, type Flag } from '../../engine/index.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { problem } from './fake-admin.ts'
import { says, startApi } from './fake-api.ts'
import { location, propagation } from './propagation.ts'
import { turnout } from './run.ts'

const FULL = canonicalFlag({
  enabled: true,
  percentage: 50,
  tags: ['new'],
  owner: 'web',
  kind: 'release',
})
const FLAG = 'GET /environments/prod/flags/beta'
const NO_KILLS = { 'GET /environments/prod/kills': { items: [], nextCursor: null } }
const KILL = {
  target: 'tag:new',
  reason: 'errors since 10:02',
  actor: 'token:on-call',
  createdAt: '2026-11-21T10:00:00Z',
}

describe('a flag in a few words', () => {
  const summary = (
    flag: Parameters<typeof canonicalFlag>[0],
    kills: Parameters<typeof flagSummary>[2] = [],
  ) => flagSummary('beta', canonicalFlag(flag), kills)
  const weighted: Flag = {
    enabled: true,
    variants: { a: 1, b: 2, c: 3 },
    off: 'c',
    fallthrough: { a: 1, b: 2 },
  }

  test.each<[string, Parameters<typeof canonicalFlag>[0], string]>([
    ['a switch', true, 'on: on'],
    ['a switch that is off', false, 'off: off'],
    ['a percentage', { enabled: true, percentage: 12.5 }, 'on: on 12.5 %, else off'],
    ['an allowlist', { enabled: true, allowlist: ['a'] }, 'on: 1 rule, else on'],
    [
      'a percentage within a country',
      { enabled: true, percentage: 5, countries: ['DE'] },
      'on: 1 rule, else off',
    ],
    ['weights', weighted, 'on: a 33.333 %, b 66.667 %'],
    ['a disabled flag with its own off', { ...weighted, enabled: false }, 'off: c'],
  ])('is %s', (_, flag, words) => {
    const { state, serves } = summary(flag)
    expect(`${state}: ${serves}`).toBe(words)
  })

  test('says what a kill makes of it, and which', () => {
    const killed = { state: 'KILLED', serves: 'c', killedBy: 'all-flags' }
    expect(summary(weighted, [{ target: 'all-flags' }])).toEqual(killed)
    expect(summary(weighted, [{ target: 'all-flags', variant: 'b' }])).toEqual({ ...killed, serves: 'b' })
    expect(summary(weighted, [{ target: 'all-flags', variant: 'none' }])).toEqual(killed)
    expect(summary(weighted, [{ target: 'flag:other' }, { target: 'all-routes' }])).toMatchObject({
      state: 'on',
    })
  })
})

describe('flags list', () => {
  test('shows each flag with what it serves, and what is killed', async () => {
    const api = await startApi({
      'GET /environments/prod/flags': {
        items: [
          { key: 'beta', version: 12, flag: FULL },
          { key: 'old', version: 3, flag: canonicalFlag(false) },
        ],
        nextCursor: null,
      },
      'GET /environments/prod/kills': { items: [KILL], nextCursor: null },
    })
    const { code, out } = await turnout(['flags', 'list'], api)
    expect(out).toBe(`FLAG  STATE   SERVES  KIND     OWNER  CHANGED
beta  KILLED  off     release  web    v12
old   off     off                     v3
`)
    expect(code).toBe(0)
    const { flags } = JSON.parse((await turnout(['flags', 'list', '--json'], api)).out)
    expect(flags[0]).toEqual({
      key: 'beta',
      version: 12,
      flag: FULL,
      state: 'KILLED',
      serves: 'off',
      killedBy: 'tag:new',
    })
  })
})

describe('flags list of some', () => {
  test('asks for what the options say, and shows why flags are stale', async () => {
    const stale = {
      reason: 'disabled',
      since: '2026-11-01T00:00:00.000Z',
      detail: 'is disabled, unchanged since 2026-08-03',
    }
    const api = await startApi({
      'GET /environments/prod/flags': {
        items: [{ key: 'old', version: 3, flag: canonicalFlag(false), stale }],
        nextCursor: null,
      },
      'GET /environments/prod/kills': { items: [], nextCursor: null },
    })
    const words = [
      '--tag',
      'a',
      '--owner',
      'web',
      '--kind',
      'ops',
      '--disabled',
      '--stale',
      '--search',
      'x y',
    ]
    const { out } = await turnout(['flags', 'list', ...words], api)
    expect(out).toBe(`FLAG  STATE  SERVES  KIND  OWNER  CHANGED  STALE
old   off    off                  v3       is disabled, unchanged since 2026-08-03
`)
    const [asked] = api.calls.map(({ line }) => line).filter((line) => line.includes('/flags?'))
    expect(Object.fromEntries(new URLSearchParams(asked!.split('?')[1]))).toEqual({
      limit: '1000',
      tag: 'a',
      owner: 'web',
      kind: 'ops',
      enabled: 'false',
      stale: 'true',
      q: 'x y',
      form: 'full',
    })
  })

  test('says that there is none', async () => {
    const api = await startApi({
      'GET /environments/prod/flags': { items: [], nextCursor: null },
      'GET /environments/prod/kills': { items: [], nextCursor: null },
    })
    expect((await turnout(['flags', 'list', '--enabled'], api)).out).toBe(
      'There are no such flags in prod.\n',
    )
    expect((await turnout(['flags', 'list'], api)).out).toBe('There are no flags in prod.\n')
  })

  test.each([
    [['--enabled', '--disabled'], 'give --enabled or --disabled, not both'],
    [['--kind', 'big'], '--kind must be release, experiment, ops, permission or migration, got "big"'],
  ])('refuses %j', async (words, complaint) => {
    const { code, err } = await turnout(['flags', 'list', ...words], await startApi({}))
    expect(code).toBe(2)
    expect(err).toContain(complaint)
  })
})

describe('flags get', () => {
  const written = { enabled: true, percentage: 50 }
  const read = ({ line }: { line: string }) =>
    says(line.endsWith('form=full') ? FULL : written, { etag: '"v12"' })

  test('shows the flag as it is written, and that it is killed', async () => {
    const api = await startApi({
      [FLAG]: read,
      'GET /environments/prod/kills': { items: [KILL], nextCursor: null },
    })
    const { out } = await turnout(['flags', 'get', 'beta'], api)
    expect(out).toBe(`beta in prod: KILLED, serves off. Last changed in version 12.
Killed by tag:new at 2026-11-21 10:00:00Z, token:on-call: errors since 10:02
${JSON.stringify(written, null, 2)}
`)
  })

  test('shows the canonical form when asked', async () => {
    const api = await startApi({ [FLAG]: read, ...NO_KILLS })
    const { out } = await turnout(['flags', 'get', 'beta', '--full', '--json'], api)
    expect(JSON.parse(out)).toMatchObject({ key: 'beta', version: 12, flag: FULL, state: 'on', kill: null })
  })
})

describe('flags set', () => {
  const held = { [FLAG]: says({ enabled: true, percentage: 50, owner: 'web' }, { etag: '"v12"' }) }
  const after = { enabled: true, percentage: 75, description: 'half of all' }

  test('changes fields, only if the flag is still as it was read, and says what changed', async () => {
    const api = await startApi({
      ...held,
      'PATCH /environments/prod/flags/beta': says(after, { 'x-turnout-version': '31', etag: '"v31"' }),
    })
    const changes = ['percentage=75', 'owner=null', 'description=half of all']
    const { code, out } = await turnout(['flags', 'set', 'beta', ...changes, '--reason', 'more'], api)
    expect(out).toBe(`  ~ beta  percentage 50 → 75, owner removed, description "half of all" added
Done: prod is at version 31.
`)
    expect(code).toBe(0)
    const [, patch] = api.calls
    expect(patch!.line).toBe('PATCH /environments/prod/flags/beta?reason=more')
    expect(patch!.headers['if-match']).toBe('"v12"')
    expect(patch!.body).toEqual({ percentage: 75, owner: null, description: 'half of all' })
  })

  describe('of one rule', () => {
    const rule = (percentage: number) => ({
      enabled: true,
      variants: { old: 1, new: 2 },
      off: 'old',
      rules: [
        { id: 'testers', when: { segment: 'testers' }, serve: 'new' },
        { id: 'v1.ten', percentage, serve: 'new' },
      ],
      fallthrough: 'old',
    })
    const ruled = { [FLAG]: says(rule(10), { etag: '"v12"' }) }

    test('raises its percentage and takes the others along', async () => {
      const api = await startApi({
        ...ruled,
        'PATCH /environments/prod/flags/beta': says(rule(50), { 'x-turnout-version': '31' }),
      })
      const { out } = await turnout(['flags', 'set', 'beta', 'rules.v1.ten.percentage=50', 'owner=web'], api)
      expect(out).toBe('  ~ beta  rules.v1.ten.percentage 10 → 50\nDone: prod is at version 31.\n')
      expect(api.calls[1]!.body).toEqual({ rules: rule(50).rules, owner: 'web' })
    })

    test('removes a field with null', async () => {
      const api = await startApi({
        ...ruled,
        'PATCH /environments/prod/flags/beta': says(rule(10), { 'x-turnout-version': '31' }),
      })
      await turnout(['flags', 'set', 'beta', 'rules.v1.ten.percentage=null'], api)
      expect(api.calls[1]!.body).toEqual({
        rules: [rule(10).rules[0], { id: 'v1.ten', serve: 'new' }],
      })
    })

    test.each([
      [['rules.x.percentage=5'], 'rules.x.percentage: there is no rule "x"; the flag has testers and v1.ten'],
      [['rules.v1.ten.percentage=5', 'rules=[]'], 'give either rules or single fields of them'],
    ])('is refused: %j', async (changes, complaint) => {
      const { code, err } = await turnout(['flags', 'set', 'beta', ...changes], await startApi(ruled))
      expect([code, err]).toEqual([2, expect.stringContaining(complaint)])
    })

    test('needs rules', async () => {
      const { err } = await turnout(['flags', 'set', 'beta', 'rules.a.serve=on'], await startApi(held))
      expect(err).toContain('rules.a.serve: there is no rule "a"; the flag has none')
    })
  })

  test('that is refused because of somebody else says so', async () => {
    const api = await startApi({
      ...held,
      'PATCH /environments/prod/flags/beta': problem(412, 'The flag "beta" is at "v13" now; read it again.'),
    })
    const { code, err } = await turnout(['flags', 'set', 'beta', 'percentage=75'], api)
    expect(err).toContain('refuses (412): The flag "beta" is at "v13" now')
    expect(code).toBe(1)
  })

  test('writes a whole flag from a file or standard input', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'flag.json'), `\uFEFF${JSON.stringify(after)}`)
    const api = await startApi({
      ...held,
      'PUT /environments/prod/flags/beta': says(after, { 'x-turnout-version': '31' }),
    })
    await turnout(['flags', 'set', 'beta', '--file', 'flag.json'], { ...api, cwd })
    await turnout(['flags', 'set', 'beta', '--file', '-'], { ...api, input: JSON.stringify(after) })
    const puts = api.calls.filter(({ line }) => line.startsWith('PUT'))
    expect(puts.map(({ headers, body }) => [headers['if-match'], body])).toEqual([
      ['"v12"', after],
      ['"v12"', after],
    ])
    const { err } = await turnout(['flags', 'set', 'beta', '--file', '-'], {
      ...api,
      input: '{"enabled":tru',
    })
    expect(err).toContain('standard input is not JSON at line 1')
  })

  test('creates a flag only when told to, and none that is there', async () => {
    const api = await startApi({
      'PUT /environments/prod/flags/beta': says({ enabled: false }, { 'x-turnout-version': '31' }, 201),
    })
    const missing = await turnout(['flags', 'set', 'beta', 'enabled=false'], api)
    expect(missing.err).toContain('A new flag takes --create.')
    expect(api.writes()).toEqual([])
    const { code, out } = await turnout(['flags', 'set', 'beta', 'enabled=false', '--create'], api)
    expect(out).toContain('  + beta  {"enabled":false}')
    expect(code).toBe(0)
    expect(api.calls.at(-1)!.headers['if-none-match']).toBe('*')
  })

  test.each<[string, string[], string]>([
    ['neither changes nor a file', [], 'give either changes such as percentage=75, or --file'],
    ['both', ['a=1', '--file', 'f'], 'give either changes such as percentage=75, or --file'],
    ['a change without a value', ['percentage'], '"percentage" must be NAME=VALUE'],
    ['a change without a name', ['=5'], '"=5" must be NAME=VALUE'],
    ['a field twice', ['a=1', 'a=2'], 'a is given twice'],
  ])('is wrong with %s', async (_, args, sentence) => {
    const { code, err } = await turnout(['flags', 'set', 'beta', ...args], await startApi({}))
    expect(err).toContain(`turnout: ${sentence}\n\nusage: turnout flags set [options] <key> [changes...]`)
    expect(code).toBe(2)
  })
})

describe('flags toggle', () => {
  test('says on or off, never "the other way"', async () => {
    const toggle = 'POST /environments/prod/flags/beta/toggle'
    const api = await startApi({ [toggle]: says(FULL, { 'x-turnout-version': '31' }) })
    const { out } = await turnout(['flags', 'toggle', 'beta', 'off', '--reason', 'errors'], api)
    expect(out).toBe('beta is off in prod, which is at version 31.\n')
    expect(api.calls[0]!.body).toEqual({ enabled: false, reason: 'errors' })
    const wrong = await turnout(['flags', 'toggle', 'beta', 'true'], api)
    expect(wrong.err).toContain('STATE must be on or off, got "true"')
    expect((await turnout(['flags', 'toggle', 'beta'], api)).err).toContain('turnout: STATE is missing')
  })
})

describe('--wait', () => {
  test('watches the new version arrive, and without it nothing is watched', async () => {
    const api = await startApi({
      'POST /environments/prod/flags/beta/toggle': says(FULL, { 'x-turnout-version': '31' }),
      'GET /environments/prod/propagation': propagation([location('FRA', 2, 2, 900)]),
    })
    const { code, out } = await turnout(['flags', 'toggle', 'beta', 'on', '--wait'], api)
    expect(out).toContain('Landed: all 2 isolates with traffic')
    expect(api.calls[1]!.line).toBe('GET /environments/prod/propagation?version=31')
    expect(code).toBe(0)
    await turnout(['flags', 'toggle', 'beta', 'on'], api)
    expect(api.calls).toHaveLength(3)
  })
})

describe('flags explain', () => {
  test('shows every step, and which one decided', async () => {
    const explanation = {
      decision: {
        flag: 'beta',
        variant: 'on',
        value: true,
        reason: 'SPLIT',
        rule: 'percentage',
        errorCode: null,
        metadata: {},
        version: 12,
        killVersion: 3,
      },
      steps: [
        { step: 'kill', decided: false, detail: 'no kill in list 3' },
        { step: 'rule', decided: true, detail: 'percentage: bucket 12.3 is below 50', rule: 'percentage' },
      ],
    }
    const api = await startApi({ 'POST /environments/prod/evaluate': explanation })
    const args = ['flags', 'explain', 'beta', '--key', 'user1', 'geo.country=DE', 'age=31']
    const { out } = await turnout(args, api)
    expect(out).toBe(`beta in prod: on (true), SPLIT; version 12, kills 3
   kill  no kill in list 3
→  rule  percentage: bucket 12.3 is below 50
`)
    expect(api.calls[0]!.body).toEqual({
      flag: 'beta',
      context: { targetingKey: 'user1', 'geo.country': 'DE', age: 31 },
    })
  })
})
