/** Every way of asking decides alike: OFREP at the edge, a snapshot given to an SDK, and a signed context. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compile,
  decodeDelivery,
  encodeDelivery,
  evaluate,
  evaluateAll,
  type FlagDocument,
  type KillList,
  type Overlay,
  prepare,
} from '../../engine/index.ts'
import { fromRequest } from '../../sdk/request.ts'
import { PLATFORM } from '../../worker/client.ts'
import { clientContext } from '../../worker/context.ts'
import { bulk } from '../../worker/ofrep.ts'
import { RequestFacts } from '../../worker/request-facts.ts'
import { ContextSigner } from '../../worker/signed-context.ts'
import { kills, overlay, validDocument } from '../helpers/documents.ts'

const SECRET = 'a signing key for the tests only, of no other use'
/** HKDF of it for the host, worked out by node:crypto. */
const KEY = 'SPaBGzBxQBFvimItc4THzGa7tZq_HDygXxcgHey6IvY'
const HOST = 'stable.test'

const facts = (country: string): RequestFacts => {
  const request = new Request('https://shop.test/')
  const cf = { country, latitude: '48.13', longitude: '11.57', asn: 3320, colo: 'MUC' }
  Object.defineProperty(request, 'cf', { value: cf })
  return new RequestFacts(request, PLATFORM)
}

const visitor = fc.record({
  key: fc.option(fc.oneof(fc.constantFrom('user1', 'user2', 'ada', ''), fc.string()), { nil: undefined }),
  country: fc.constantFrom('DE', 'FR', 'US'),
})
const signer = new ContextSigner(SECRET)

describe('OFREP, a snapshot for SDKs and a signed context', () => {
  it('agree on every flag of 5 000 random documents and visitors', async () => {
    const whole = fc.tuple(validDocument, overlay, kills, visitor)
    await fc.assert(
      fc.asyncProperty(whole, async ([document, running, killed, { key, country }]) => {
        const compiled = compile(document as unknown as FlagDocument, {
          environment: 'test',
          epoch: 1,
          version: 2,
          access: { open: false, keys: [] },
          overlay: running as Overlay,
        })
        if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
        const { snapshot } = compiled.value
        const list = { epoch: 1, version: 3, kills: killed } as KillList
        const prepared = prepare(snapshot, list)
        const request = facts(country)
        const context = clientContext({ targetingKey: key }, request)
        const { flags } = bulk(prepared, 'server', context)
        const answers = JSON.parse(`[${flags}]`) as { key: string; errorCode?: string }[]

        const delivered = decodeDelivery(encodeDelivery(prepared))
        if (!delivered.ok) throw new Error(delivered.error)
        const elsewhere = prepare(delivered.value.snapshot, delivered.value.kills)
        expect(evaluateAll(elsewhere, context)).toEqual(evaluateAll(prepared, context))

        // Routed by a flag of which this is the served variant: no failover.
        const decision = evaluate(prepared, 'alpha', context, { route: 'unkilled' })
        const token = await signer.sign(
          {
            prepared,
            facts: request,
            route: { route: { id: 'unkilled', flag: 'alpha' } } as never,
            decision,
            key,
            isStranger: false,
          },
          { to: { variant: decision.variant ?? 'off' }, upstream: { host: HOST } } as never,
          Date.now(),
        )
        const client = await fromRequest(
          new Request('http://x', { headers: { 'x-turnout-context': token } }),
          KEY,
        )
        expect(client.error).toBeUndefined()
        for (const { key: flag, ...answer } of answers) {
          if (flag === 'alpha' && killed.some(({ target }) => target === 'all-routes')) continue
          const { key: _, ...details } = client.objectDetails(flag, (answer as { value: object }).value ?? {})
          if (answer.errorCode === undefined) expect(details, flag).toStrictEqual(answer)
          else expect(details.errorCode, flag).toBe(answer.errorCode)
        }
      }),
      { numRuns: 5_000 },
    )
  })
})
