/** `turnout mirrors list`, as far as the API is asked and the user is told. */
import { expect, test } from 'vitest'
import { startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const MIRRORS = 'GET /environments/prod/mirrors'
const cells = (out: string) => out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))

const difference = {
  ...{ at: '2026-11-26T10:00:12.000Z', method: 'GET', path: '/api/cart', served: 'stable' },
  ...{ status: [200, 200], latencyMs: [31, 44], hashes: ['3a1f', '90b1'], pointer: '/items/0/price' },
}

test('shows how often answers were alike, then where they were not', async () => {
  const counts = { sent: 1200, matched: 1180, bodies: 240, failed: 4, skipped: 31 }
  const api = await startApi({
    [MIRRORS]: {
      items: [
        {
          ...{ route: 'shop', variant: 'canary', ...counts, differed: { status: 4, latency: 9, body: 3 } },
          differences: [
            difference,
            { ...difference, status: [200, 500], hashes: null, pointer: null },
            { ...difference, pointer: null },
          ],
        },
        {
          ...{ route: 'web', variant: 'on', ...counts, sent: 0, matched: 0, bodies: 0 },
          ...{ differed: { status: 0, latency: 0, body: 0 }, differences: [] },
        },
      ],
      nextCursor: null,
    },
  })
  const { code, out } = await turnout(['mirrors', 'list', '--minutes', '30'], api)
  expect(code).toBe(0)
  expect(api.calls[0]!.line).toBe('GET /environments/prod/mirrors?minutes=30')
  expect(cells(out)).toEqual([
    'MIRROR | SENT | ALIKE | STATUS | LATENCY | BODY | FAILED | SKIPPED',
    'shop/canary | 1200 | 98.3 % | 4 | 9 | 3 of 240 | 4 | 31',
    'web/on | 0 | - | 0 | 0 | 0 of 0 | 4 | 31',
    '',
    'WHEN | MIRROR | REQUEST | STATUS | LATENCY | BODY',
    '2026-11-26 10:00:12Z | shop/canary | GET /api/cart | 200 → 200 | 31 → 44 ms | /items/0/price',
    '2026-11-26 10:00:12Z | shop/canary | GET /api/cart | 200 → 500 | 31 → 44 ms | -',
    '2026-11-26 10:00:12Z | shop/canary | GET /api/cart | 200 → 200 | 31 → 44 ms | differs',
    '',
  ])
})

test('says so where nothing was copied', async () => {
  const api = await startApi({ [MIRRORS]: { items: [], nextCursor: null } })
  const { out } = await turnout(['mirrors', 'list'], api)
  expect(out).toBe('No copy of a request was sent in prod in that time.\n')
  expect(api.calls[0]!.line).toBe('GET /environments/prod/mirrors')
})
