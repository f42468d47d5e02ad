import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { call, environment, problem, value } from './client.ts'

const FLAGS = {
  beta: { enabled: true, percentage: 20, allowlist: ['user1'] },
  ruled: {
    enabled: true,
    rules: [{ id: 'late', when: { attribute: 'plan', op: 'equals', value: 'pro' }, serve: 'on' }],
    fallthrough: 'off',
  },
}

describe('POST …/impact', () => {
  it('says who would get another variant, what gets unreachable and what is raised, and changes nothing', async () => {
    const { api } = await environment({ flags: FLAGS })
    const rules = [{ id: 'all', serve: 'off' }, ...FLAGS.ruled.rules]
    const found = await value(
      await call(`${api}/impact`, {
        body: { flags: { beta: { percentage: 40, allowlist: [] }, ruled: { rules } } },
      }),
    )
    expect(found).toMatchObject({ basis: 'synthetic', contexts: 1000, unmeasured: [] })
    expect(found.flags[0].flag).toBe('beta')
    expect(found.flags[0].changed).toBeGreaterThan(0.1)
    expect(found.raising.join()).toContain('flag beta')
    expect(found.newWarnings.map(({ path }: { path: string }) => path)).toStrictEqual([
      '$.flags.ruled.rules[1]',
    ])
    expect(await value(await call(`${api}/document`))).toStrictEqual({ flags: FLAGS })
  })

  it('measures real requests where the edges have sampled enough', async () => {
    const { name, api, stub } = await environment({ flags: FLAGS })
    await stub.addLocation('MUC')
    const metrics = env.METRICS.getByName(`${name}/MUC`)
    for (let sequence = 1; sequence <= 10; sequence += 1) {
      const contexts = Array.from({ length: 32 }, (_, n) => ({
        targetingKey: `k${sequence}-${n}`,
        'geo.country': 'DE',
      }))
      await metrics.record(name, {
        ...{ isolate: 'one', sequence, location: 'MUC', sentAtMs: Date.now(), requests: 64 },
        ...{ serves: { epoch: 1, snapshot: 1, kills: 0 }, arrivals: [], sample: { of: 64, contexts } },
      })
    }
    const found = await value(
      await call(`${api}/impact`, { body: { flags: { beta: { countries: ['US'] } } } }),
    )
    expect(found.basis).toBe('sample')
    expect(found.flags[0].moves[0]).toMatchObject({ from: 'on', to: 'off' })
  })

  it('refuses what it cannot measure, with its path', async () => {
    const { api } = await environment({ flags: FLAGS })
    const paths = async (body: object) =>
      (await problem(await call(`${api}/impact`, { body }), 422)).errors.map(({ path }) => path)
    expect(await paths({})).toStrictEqual(['$'])
    expect(await paths({ flags: {}, document: {} })).toStrictEqual(['$'])
    expect(await paths({ flags: { beta: { percentage: 101 } } })).toStrictEqual(['$.flags.beta.percentage'])
    expect(await paths({ document: { flags: { beta: 'maybe' } } })).toStrictEqual(['$.flags.beta'])
    await problem(await call('/api/v1/environments/never-was/impact', { body: { flags: {} } }), 404)
  })
})
