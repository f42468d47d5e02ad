import { env } from 'cloudflare:workers'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { parseConfig } from '../../admin/env.ts'
import { exposition } from '../../admin/monitoring/prometheus.ts'
import { routeClassOf } from '../../admin/monitoring/requests.ts'
import { componentsOf, directoryLag, overall, type Vitals } from '../../admin/monitoring/vitals.ts'
import operations from '../../docs/operations.md?raw'
import { call, environment, problem, TOKEN, value } from './client.ts'
import { readExposition } from './prometheus.ts'

const METRICS_TOKEN = 'a-metrics-token-long-enough'

/** With other bindings than the tests' own. */
const fetchWith = async (bindings: object, path: string, token: string | null = TOKEN) =>
  app.fetch(
    new Request(`https://admin.test${path}`, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    }),
    { ...env, ...bindings },
  )

const metrics = async (token = TOKEN, bindings = {}) => {
  const response = await fetchWith(bindings, '/metrics', token)
  expect(response.status).toBe(200)
  return readExposition(await response.text())
}

async function tokenFor(grant: object): Promise<string> {
  const made = await value(await call('/api/v1/tokens', { body: { name: crypto.randomUUID(), ...grant } }))
  return made.token ?? made.secret ?? made.text
}

const ofEnvironment = (read: Awaited<ReturnType<typeof metrics>>, metric: string, name: string) =>
  read.get(metric)?.samples.find(({ labels }) => labels.environment === name)?.value

describe('metrics', () => {
  it('are text of the format 0.0.4', async () => {
    const response = await fetchWith({}, '/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const read = readExposition(await response.text())
    expect(read.get('turnout_build_info')).toMatchObject({ type: 'gauge', samples: [{ value: 1 }] })
  })

  it('are exactly those of docs/operations.md, with their types and labels', async () => {
    await environment({ flags: {} })
    const read = await metrics()
    const table = /^\| metric \| type \| labels \|.*\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(operations)![1]!
    const documented = Array.from(
      table.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \|/gm),
      ([, name, type, labels]) => [
        name,
        type,
        Array.from(labels!.matchAll(/`(\w+)`/g), ([, label]) => label).sort(),
      ],
    )
    const actual = [...read].map(([name, { type, samples }]) => [
      name,
      type,
      // What is owed only at times has no sample to look at.
      samples.length === 0 ? expect.any(Array) : Object.keys(samples[0]!.labels).sort(),
    ])
    expect(documented).toEqual(actual)
  })

  it('know version, kills and directory of each environment', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    await value(await call(`${api}/kills/flag:a`, { method: 'PUT', body: { reason: 'a test' } }))
    const read = await metrics()
    expect(ofEnvironment(read, 'turnout_environment_version', name)).toBe(2)
    expect(ofEnvironment(read, 'turnout_kills_active', name)).toBe(1)
    expect(ofEnvironment(read, 'turnout_kills_version', name)).toBeGreaterThan(0)
    expect(ofEnvironment(read, 'turnout_environment_epoch', name)).toBeGreaterThan(1_700_000_000)
    expect(ofEnvironment(read, 'turnout_directory_lag_versions', name)).toBeGreaterThanOrEqual(0)
  })

  it('count requests of this isolate by address, method and status', async () => {
    const { name, api } = await environment()
    const count = async (labels: object) => {
      const found = (await metrics()).get('turnout_isolate_api_requests_total')!.samples
      return (
        found.find((sample) => Object.entries(labels).every(([key, each]) => sample.labels[key] === each))
          ?.value ?? 0
      )
    }
    const missing = { class: 'environments/flags', method: 'GET', status: '404' }
    const before = await count(missing)
    await fetchWith({}, `${api}/flags/nope`)
    await fetchWith({}, `/api/v1/environments/${name}/flags/nope`)
    expect(await count(missing)).toBe(before + 2)
    expect(await count({ class: 'page', method: 'GET', status: '200' })).toBeGreaterThan(0)
    await fetchWith({}, '/api/v1/environments', 'wrong')
    expect(await count({ class: 'environments', method: 'GET', status: '401' })).toBeGreaterThan(0)
  })

  it('go on when a part does not answer, and say which', async () => {
    const broken = { getByName: () => ({ vitals: async () => Promise.reject(new Error('gone')) }) }
    const read = await metrics(TOKEN, { WEBHOOKS: broken })
    const up = Object.fromEntries(
      read.get('turnout_component_up')!.samples.map(({ labels, value }) => [labels.component, value]),
    )
    expect(up).toMatchObject({ webhooks: 0, project: 1, 'last-known-good': 1 })
    expect(read.get('turnout_webhooks')!.samples).toEqual([])
  })
})

describe('who may look', () => {
  it('at metrics: anybody with a role, and the metrics token, which opens nothing else', async () => {
    await problem(await fetchWith({}, '/metrics', null), 401)
    await problem(await fetchWith({}, '/metrics', 'wrong'), 401)
    expect((await fetchWith({}, '/metrics', await tokenFor({ role: 'viewer' }))).status).toBe(200)
    expect((await fetchWith({ METRICS_TOKEN }, '/metrics', METRICS_TOKEN)).status).toBe(200)
    expect((await fetchWith({ METRICS_TOKEN }, '/health/ready', METRICS_TOKEN)).status).toBe(200)
    await problem(await fetchWith({ METRICS_TOKEN }, '/api/v1/environments', METRICS_TOKEN), 401)
    await problem(await fetchWith({}, '/metrics', METRICS_TOKEN), 401)
  })

  it('sees only environments in scope', async () => {
    const mine = await environment()
    const other = await environment()
    const token = await tokenFor({ role: 'viewer', environments: [mine.name] })
    const read = await metrics(token)
    expect(ofEnvironment(read, 'turnout_environment_version', mine.name)).toBe(1)
    expect(read.get('turnout_environments')!.samples[0]!.value).toBe(1)
    expect(await (await fetchWith({}, '/metrics', token)).text()).not.toContain(other.name)
    expect(await (await fetchWith({}, '/health/ready', token)).text()).not.toContain(other.name)
  })

  it.each(['short', 'long enough, but with spaces', 'sixteen-characters-ü'])(
    'by no metrics token such as %j',
    (token) => {
      expect(() => parseConfig({ ...env, METRICS_TOKEN: token })).toThrow(
        'METRICS_TOKEN must have at least 16',
      )
    },
  )
})

describe('health', () => {
  it('tells strangers the status, and nothing else', async () => {
    const response = await fetchWith({}, '/health/ready', null)
    expect(await response.json()).toEqual({ status: 'ok' })
  })

  it('tells who may look how each part is, and which version runs', async () => {
    const { name } = await environment()
    const RELEASE = { id: 'id-of-a-version', tag: '0.1.0', timestamp: '' }
    const body = await value(await fetchWith({ RELEASE }, '/health/ready'))
    expect(body).toMatchObject({ release: { id: 'id-of-a-version', tag: '0.1.0' } })
    expect(body.components).toEqual(
      expect.arrayContaining([
        { name: 'project', status: expect.stringMatching(/^(ok|degraded)$/), problems: expect.any(Array) },
        { name: 'webhooks', status: 'ok', problems: [] },
        { name: 'last-known-good', status: 'ok', problems: [] },
        { name: `environment:${name}`, status: 'ok', problems: [] },
      ]),
    )
  })

  it('refuses a wrong token in place of telling less', async () => {
    await problem(await fetchWith({}, '/health/ready', 'wrong'), 401)
  })

  it('is unavailable for everybody when the object that knows everybody is gone', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const gone = async () => Promise.reject(new Error('gone'))
    const PROJECT = { getByName: () => ({ ping: gone, vitals: gone, recognize: gone }) }
    for (const token of [null, 'tn_somebody']) {
      const response = await fetchWith({ PROJECT }, '/health/ready', token)
      expect(response.status).toBe(503)
      expect(await response.json()).toEqual({ status: 'unavailable' })
    }
    expect(warn.mock.calls.flat().join()).toContain('"event":"not-ready"')
    // The bootstrap token needs nobody to be known.
    const response = await fetchWith({ PROJECT }, '/health/ready')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      status: 'unavailable',
      components: [{ name: 'project', problems: ['gone'] }, {}, {}],
    })
  })
})

describe('what vitals mean', () => {
  const store = { kind: 'ssm', problem: null, okAtMs: 0 }
  const own = {
    epoch: 7,
    version: 3,
    killsVersion: 1,
    kills: 0,
    owed: [],
    locations: [],
    store,
    damage: null,
  }
  const listed = { name: 'prod', epoch: 7, version: 3 }
  const well: Vitals = {
    project: { ok: true, value: { environments: [listed], owed: [] } },
    webhooks: { ok: true, value: { webhooks: 1, failing: 0, pending: 2, dead: 1 } },
    lastKnownGood: { ok: true, value: null },
    environments: [{ listed, heard: { ok: true, value: own } }],
  }
  const late = { effect: 'last-known-good', attempts: 3, dueAtMs: 0 }

  it.each<[string, Partial<Vitals>, string, string[]]>([
    ['all is well', {}, 'ok', []],
    [
      'what was not tried yet is no problem',
      {
        environments: [{ listed, heard: { ok: true, value: { ...own, owed: [{ ...late, attempts: 0 }] } } }],
      },
      'ok',
      [],
    ],
    [
      'a copy that fails',
      { environments: [{ listed, heard: { ok: true, value: { ...own, owed: [late] } } }] },
      'degraded',
      ['environment:prod: last-known-good is late: 3 attempts failed'],
    ],
    [
      'a store in AWS that is not well',
      {
        environments: [
          { listed, heard: { ok: true, value: { ...own, store: { ...store, problem: 'AWS is away' } } } },
        ],
      },
      'degraded',
      ['environment:prod: ssm: AWS is away'],
    ],
    [
      'an environment that does not answer',
      { environments: [{ listed, heard: { ok: false, cause: 'gone' } }] },
      'degraded',
      ['environment:prod: gone'],
    ],
    [
      'webhooks that fail',
      { webhooks: { ok: true, value: { webhooks: 2, failing: 1, pending: 0, dead: 0 } } },
      'degraded',
      ['webhooks: 1 webhooks fail'],
    ],
    [
      'no copies can be read',
      { lastKnownGood: { ok: false, cause: 'KV is away' } },
      'degraded',
      ['last-known-good: KV is away'],
    ],
    ['the project is gone', { project: { ok: false, cause: 'gone' } }, 'unavailable', ['project: gone']],
  ])('%s', (_, change, status, problems) => {
    const components = componentsOf({ ...well, ...change })
    expect(overall(components)).toBe(status)
    expect(
      components.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
    ).toEqual(problems)
  })

  it('the directory lags by versions, and by one at least in another epoch', () => {
    expect(directoryLag(listed, own)).toBe(0)
    expect(directoryLag(listed, { ...own, version: 5 })).toBe(2)
    expect(directoryLag(listed, { ...own, epoch: 8 })).toBe(1)
    expect(directoryLag({ ...listed, version: 9 }, own)).toBe(0)
  })
})

describe('the text format', () => {
  it('escapes what would end a label or a line', () => {
    const labels = { a: 'quote " backslash \\ line\nend', b: '' }
    const text = exposition([
      { name: 'x_total', type: 'counter', help: 'one\\two\nthree "four"', samples: [{ labels, value: 1.5 }] },
    ])
    expect(text).toBe(
      '# HELP x_total one\\\\two\\nthree "four"\n# TYPE x_total counter\nx_total{a="quote \\" backslash \\\\ line\\nend",b=""} 1.5\n',
    )
    expect(readExposition(text).get('x_total')).toEqual({
      help: 'one\\two\nthree "four"',
      type: 'counter',
      samples: [{ labels, value: 1.5 }],
    })
  })

  it.each([
    ['# TYPE x gauge\nx 1\n', 'TYPE does not follow'],
    ['# HELP x y\n# TYPE x gauge\nx 1', 'does not end'],
    ['# HELP x y\n# TYPE x gauge\nx one\n', 'no number'],
    ['# HELP x y\n# TYPE x gauge\nx{a="1"} 1\nx{a="1"} 2\n', 'comes twice'],
    ['# HELP x y\n# TYPE x gauge\nx{a=1} 1\n', 'labels'],
    ['# HELP x y\n# TYPE x counter\nx 1\n', 'ends in _total'],
    ['# HELP x y\n# TYPE x gauge\nz 1\n', 'not below its TYPE'],
    ['x-y 1\n', 'not of the grammar'],
  ])('is read strictly: %j is refused', (text, why) => {
    expect(() => readExposition(text)).toThrow(why)
  })

  it.each([
    ['/api/v1/environments', 'environments'],
    ['/api/v1/environments/:env/flags/:key{.+}', 'environments/flags'],
    ['/api/v1/', 'none'],
    ['/health/ready', 'page'],
    ['/', 'page'],
  ])('an address %s is of class %s', (path, expected) => {
    expect(routeClassOf(path)).toBe(expected)
  })
})
