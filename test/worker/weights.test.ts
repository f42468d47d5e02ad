/**
 * Weights as the conformance test of the Kubernetes Gateway API takes them: 500 requests of strangers, ten at a time, over weights
 * 70, 30 and 0; each share within 0.05 in one of ten tries, since by chance one in sixty is not. A weight of 0 gets nothing in
 * any of them. Source: https://github.com/kubernetes-sigs/gateway-api/blob/main/conformance/tests/httproute-weight.go
 */
import { expect, it } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import { canarySite, type Edge, hostOf, site, startEdge, stubOrigins } from './edge.ts'

const REQUESTS = 500
const AT_ONCE = 10
const TOLERANCE = 0.05
const TRIES = 10
const WEIGHTS = { v1: 70, v2: 30, v3: 0 }

const urlOf = (name: string) => `https://${name}.test`
const NAMES = Object.keys(WEIGHTS)

const KINDS: [string, FlagDocument][] = [
  [
    'the variants of a flag',
    site(
      { origins: Object.fromEntries(NAMES.map((name) => [name, { url: urlOf(name) }])), fallback: 'v1' },
      { variants: { v1: 1, v2: 2, v3: 3 }, off: 'v1', fallthrough: WEIGHTS },
    ),
  ],
  [
    'the members of a pool',
    canarySite({
      origins: {
        stable: { url: urlOf('stable') },
        canary: {
          strategy: 'weighted',
          pool: Object.entries(WEIGHTS).map(([name, weight]) => ({ url: urlOf(name), weight })),
        },
      },
    }),
  ],
]

it.each(KINDS)('share requests by their weights: %s', async (_, document) => {
  const sent = stubOrigins()
  const edge = await startEdge(document)
  let shares: Record<string, number> = {}
  for (let n = 1; n <= TRIES && !areRight(shares); n += 1) {
    shares = await sharesOf(edge, sent)
    expect(shares).not.toHaveProperty('v3')
  }
  expect(Object.keys(shares).sort()).toEqual(['v1', 'v2'])
  expect(shares.v1).toBeGreaterThanOrEqual(0.7 - TOLERANCE)
  expect(shares.v1).toBeLessThanOrEqual(0.7 + TOLERANCE)
})

const areRight = ({ v1 = 0, v2 = 0 }: Record<string, number>): boolean =>
  Math.abs(v1 - 0.7) <= TOLERANCE && Math.abs(v2 - 0.3) <= TOLERANCE

/** Share of each origin that got requests. */
async function sharesOf(edge: Edge, sent: ReturnType<typeof stubOrigins>): Promise<Record<string, number>> {
  sent.length = 0
  for (let done = 0; done < REQUESTS; done += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, async () => (await edge.fetch('/')).text()))
  const counts = new Map<string, number>()
  for (const request of sent) {
    const name = hostOf(request)!.replace('.test', '')
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].map(([name, count]) => [name, count / REQUESTS]))
}
