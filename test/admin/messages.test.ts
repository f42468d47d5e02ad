import { describe, expect, it } from 'vitest'
import { call, environment, problem } from './client.ts'

const KILL = '/kills/all-flags'

describe('what is wrong with a field is said in our words', () => {
  const rows: [method: string, path: string, body: unknown, at: string, message: string][] = [
    ['POST', '/flags/a/toggle', { enabled: 'yes' }, '$.enabled', 'must be true or false, got "yes"'],
    ['POST', '/flags/a/toggle', { enabled: 1e21 }, '$.enabled', 'must be true or false, got 1e+21'],
    ['POST', '/flags/a/toggle', {}, '$.enabled', 'is required'],
    ['POST', '/flags/a/toggle', [], '$', 'must be an object, got []'],
    [
      'POST',
      '/flags/a/toggle',
      { enabled: true, resaon: 'x' },
      '$.resaon',
      'unknown field "resaon"; known are enabled, reason',
    ],
    ['PUT', KILL, { reason: 5 }, '$.reason', 'must be a string, got 5'],
    ['PUT', KILL, { reason: '  ' }, '$.reason', 'must not be empty'],
    ['PUT', KILL, { reason: 'x'.repeat(501) }, '$.reason', 'must have at most 500 characters, has 501'],
    [
      'PUT',
      KILL,
      { reason: 'x', onExpiry: 'never' },
      '$.onExpiry',
      'must be one of restore, extend, got "never"',
    ],
    ['PUT', '', { tier: 1.5 }, '$.tier', 'must be a whole number, got 1.5'],
    ['PUT', '', { approvals: -1 }, '$.approvals', 'must be at least 0, got -1'],
    ['PUT', '', { edgeHosts: 'a' }, '$.edgeHosts', 'must be an array, got "a"'],
    ['POST', '/promote', { to: 'x', flags: 5 }, '$.flags', 'must be an array, or be "all", got 5'],
    ['POST', '/promote', { to: 'x' }, '$.flags', 'is required'],
    ['POST', '/promote', { to: 'x', flags: [] }, '$.flags', 'must not be empty'],
    ['POST', '/promote', { to: 'x', flags: ['a', 5] }, '$.flags[1]', 'must be a string, got 5'],
    ['POST', '/evaluate', { flag: 'a', context: 'b' }, '$.context', 'must be an object, got "b"'],
    ['POST', '/shift', { flag: 'a', weights: { on: -1 } }, '$.weights.on', 'must be at least 0, got -1'],
    ['GET', '/flags?limit=abc', undefined, 'query.limit', 'must be a number, got "abc"'],
    ['GET', '/flags?limit=1.5', undefined, 'query.limit', 'must be a whole number, got 1.5'],
    ['GET', '/flags?limit=5000', undefined, 'query.limit', 'must be at most 1000, got 5000'],
    ['GET', '/flags?limit=0', undefined, 'query.limit', 'must be at least 1, got 0'],
    ['GET', '/flags/a?form=long', undefined, 'query.form', 'must be one of written, full, got "long"'],
    ['GET', '/flags/a?from=full', undefined, 'query.from', 'unknown field "from"; known are form'],
  ]

  it('and an empty list of what there is says that there is none', async () => {
    const { api } = await environment()
    const route = { id: 'web', match: {}, flag: 'a', origins: {}, fallback: 'on' }
    const body = { flags: { a: true }, routes: [route] }
    const answer = await call(`${api}/document`, { method: 'PUT', body, headers: { 'if-match': '*' } })
    expect((await problem(answer, 422)).errors).toContainEqual({
      path: '$.routes[0].fallback',
      message: '"on" has no origin; there are none',
    })
  })

  it.each(rows)('%s %s %j: %s %s', async (method, path, body, at, message) => {
    const { api } = await environment({ flags: { a: true } })
    const response = await call(`${api}${path}`, { method, body, headers: { 'if-match': '*' } })
    expect((await problem(response, 422)).errors).toEqual([{ path: at, message }])
  })
})
