/** `turnout outcomes`, as it is shown. */
import { expect, test } from 'vitest'
import { startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const none = { count: 0, mean: null, deviation: null }
const OUTCOMES = {
  from: '2026-11-21T09:00:00.000Z',
  flags: [
    {
      flag: 'checkout',
      variants: [
        {
          ...{ variant: 'on', exposures: 120, ok: 430, errors: 2, errorRate: 2 / 432 },
          values: { count: 430, mean: 182.51234, deviation: 41.2 },
        },
      ],
    },
    {
      flag: 'orders-db',
      variants: [
        {
          ...{ variant: 'shadow', exposures: 3, ok: 0, errors: 0, errorRate: null, values: none },
          parts: [
            {
              ...{ part: 'read-new', ok: 9, errors: 1, errorRate: 0.1 },
              values: { count: 9, mean: 5.6, deviation: null },
            },
            { part: 'check', ok: 8, errors: 0, errorRate: 0, values: none },
          ],
        },
      ],
    },
  ],
}
const start = (outcomes: object) => startApi({ 'GET /environments/prod/outcomes': outcomes })

test('outcomes are a line for each variant, and for each part of a migration', async () => {
  const api = await start(OUTCOMES)
  const { code, out } = await turnout(['outcomes'], api)
  expect(out).toBe(`FLAG       VARIANT  PART      EXPOSURES  OK   ERRORS  RATE     MEAN     DEVIATION
checkout   on                 120        430  2       0.463 %  182.512  41.2
orders-db  shadow             3          0    0
orders-db  shadow   read-new             9    1       10 %     5.6
orders-db  shadow   check                8    0       0 %
`)
  expect(code).toBe(0)
  expect(api.calls.map(({ line }) => line)).toStrictEqual(['GET /environments/prod/outcomes'])
})

test('outcomes can be of one flag, of some minutes, and for machines', async () => {
  const api = await start(OUTCOMES)
  const { out } = await turnout(['outcomes', 'orders-db', '--minutes', '10', '--json'], api)
  expect(api.calls.map(({ line }) => line)).toStrictEqual([
    'GET /environments/prod/outcomes?flag=orders-db&minutes=10',
  ])
  expect(JSON.parse(out)).toStrictEqual({ environment: 'prod', ...OUTCOMES })
})

test('outcomes that are none are said to be', async () => {
  const api = await start({ from: OUTCOMES.from, flags: [] })
  expect((await turnout(['outcomes', 'beta'], api)).out).toBe('Nothing was reported of beta in prod.\n')
  expect((await turnout(['outcomes'], api)).out).toBe('Nothing was reported of flags in prod.\n')
})

test('outcomes want a whole number of minutes', async () => {
  const { code, err } = await turnout(['outcomes', '--minutes', 'ten'], await start(OUTCOMES))
  expect([code, err.split('\n')[0]]).toStrictEqual([
    2,
    'turnout: --minutes must be a whole number from 1, got "ten"',
  ])
})
