/** `turnout origins`, as far as the API is asked and the user is told. */
import { expect, test } from 'vitest'
import { says, startApi, UNPROTECTED } from './fake-api.ts'
import { propagation } from './propagation.ts'
import { turnout } from './run.ts'

const BREAKERS = 'GET /environments/prod/breakers'
const HEALTH = 'GET /environments/prod/health'
const list = (...items: object[]) => ({ items, nextCursor: null })

test('shows each origin with its breaker and its health, whoever knows of it', async () => {
  const breaker = { state: 'open', attempts: 1200, failureRate: 0.518, p95Ms: 240, alert: true }
  const health = { state: 'unhealthy', since: '2026-11-26T10:00:30.000Z' }
  const api = await startApi({
    [BREAKERS]: list(
      { origin: 'shop/canary', ...breaker },
      { origin: 'web/stable', state: 'closed', attempts: 3, failureRate: 0, p95Ms: null, alert: false },
    ),
    [HEALTH]: list(
      { origin: 'shop/canary', ...health, last: { status: 503, problem: 'answered 503' } },
      {
        ...{ origin: 'shop/stable', state: 'healthy', since: '2026-11-26T09:00:00.000Z' },
        last: { status: 200, problem: null },
      },
    ),
  })
  const { code, out } = await turnout(['origins', 'list'], api)
  expect(code).toBe(0)
  expect(out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
    'ORIGIN | BREAKER | ATTEMPTS | FAILED | P95 | HEALTH | SINCE | LAST CHECK',
    'shop/canary | open | 1200 | 51.8 % ! | 240 ms | unhealthy | 2026-11-26 10:00:30Z | answered 503',
    'shop/stable | - | 0 | - | - | healthy | 2026-11-26 09:00:00Z | answered 200',
    'web/stable | closed | 3 | 0.0 % | - | not checked',
    '',
  ])
})

test('says so where there is nothing to show', async () => {
  const { out } = await turnout(['origins', 'list'], await startApi({ [BREAKERS]: list(), [HEALTH]: list() }))
  expect(out).toBe('No origin of prod had traffic in the last minute, and none is checked.\n')
})

test('closes a breaker with its reason, and waits until edges have it', async () => {
  const put = 'PUT /environments/prod/breakers/shop/canary'
  const api = await startApi({
    ...UNPROTECTED,
    [put]: says({ origin: 'shop/canary', state: 'closed' }, { 'x-turnout-kills': '14' }),
    'GET /environments/prod/propagation': propagation([]),
  })
  const { code, out } = await turnout(
    ['origins', 'close', 'shop/canary', '--reason', 'repaired', '--yes'],
    api,
  )
  expect(code).toBe(0)
  expect(out).toContain(
    'Closed shop/canary in prod: it gets requests again, until its breaker finds otherwise.',
  )
  expect(api.calls.find(({ line }) => line === put)?.body).toEqual({ state: 'closed', reason: 'repaired' })
})

test('refuses a name that no origin can have, before anything is asked', async () => {
  const api = await startApi({})
  const { code, err } = await turnout(['origins', 'close', 'shop', '--reason', 'x'], api)
  expect(code).toBe(2)
  expect(err).toContain('ORIGIN must be ROUTE/VARIANT')
  expect(api.calls).toEqual([])
})
