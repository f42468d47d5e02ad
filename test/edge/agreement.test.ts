/**
 * Every way of asking decides alike, to the byte: OFREP at the edge, the local client by the snapshot that the edge gives it, a
 * signed context, and what the control plane explains.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Access,
  compile,
  evaluate,
  explain,
  FlagCounts,
  type FlagDocument,
  type KillList,
  type Overlay,
  type Prepared,
  prepare,
} from '../../engine/index.ts'
import type { Context } from '../../sdk/client.ts'
import { createClient } from '../../sdk/index.ts'
import { fromRequest } from '../../sdk/request.ts'
import { Callers } from '../../worker/access.ts'
import { PLATFORM } from '../../worker/client.ts'
import { clientContext } from '../../worker/context.ts'
import { endpoints } from '../../worker/endpoints.ts'
import { RequestFacts } from '../../worker/request-facts.ts'
import { ContextSigner } from '../../worker/signed-context.ts'
import { StreamTokens } from '../../worker/stream-token.ts'
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

/** SHA-256 of the server key, as the document's access names it. */
const SERVER_KEY = 'server-key-of-the-tests'
const hash = Array.from(
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(SERVER_KEY))),
  (byte) => byte.toString(16).padStart(2, '0'),
).join('')
const access: Access = { open: false, keys: [{ hash, kind: 'server' }] }

const callers = new Callers(false)
const streamTokens = new StreamTokens(SECRET, 'test')

/** The edge's own endpoints, over what it decides by. */
const edgeOf =
  (prepared: Prepared) =>
  async (url: unknown, init?: RequestInit): Promise<Response> => {
    const request = new Request(String(url), init)
    return endpoints({
      facts: new RequestFacts(request, PLATFORM),
      callers,
      streamTokens,
      counts: new FlagCounts(1),
      isolate: 'isolate',
      release: null,
      status: () => ({ source: 'control-plane', readAtMs: 0, problems: [] }),
      prepared: async () => prepared,
      caughtUp: async () => null,
      isPreview: () => false,
      glance: () => prepared,
    })
  }

interface Answer {
  readonly key: string
  readonly value?: object
  readonly errorCode?: string
}

describe('OFREP, the local client, a signed context and an explanation', () => {
  it('agree on every flag of 5 000 random documents and visitors', async () => {
    let compared = 0
    const whole = fc.tuple(validDocument, overlay, kills, visitor)
    await fc.assert(
      fc.asyncProperty(whole, async ([document, running, killed, { key, country }]) => {
        const compiled = compile(document as unknown as FlagDocument, {
          environment: 'test',
          epoch: 1,
          version: 2,
          access,
          overlay: running as Overlay,
        })
        if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
        const list = { epoch: 1, version: 3, kills: killed } as KillList
        const prepared = prepare(compiled.value.snapshot, list)
        const edge = edgeOf(prepared)
        const request = facts(country)
        const context = clientContext({ targetingKey: key }, request)

        const bulk = await edge('https://edge.test/.turnout/ofrep/v1/evaluate/flags', {
          method: 'POST',
          headers: { 'x-api-key': SERVER_KEY },
          body: JSON.stringify({ context }),
        })
        const { flags: answers } = (await bulk.json()) as { flags: Answer[] }
        expect(answers.map((answer) => answer.key).sort()).toStrictEqual(
          [...prepared.snapshot.flags.keys()].sort(),
        )

        const local = createClient({
          url: 'https://edge.test',
          key: SERVER_KEY,
          fetch: edge as typeof fetch,
          stream: false,
        })
        await local.ready
        local.close()

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
        const signed = await fromRequest(
          new Request('http://x', { headers: { 'x-turnout-context': token } }),
          KEY,
        )
        expect([local.error, signed.error]).toStrictEqual([undefined, undefined])

        for (const answer of answers) {
          const { key: flag, value = {}, errorCode } = answer
          const explained = explain(prepared, flag, context).decision
          const details = local.objectDetails(flag, explained.value as object, context as Context)
          const { variant, reason, metadata } = explained
          const decided = { key: flag, value: explained.value, variant, reason, metadata }
          compared += 1
          if (errorCode === undefined) {
            const text = JSON.stringify(answer)
            expect(JSON.stringify(details), flag).toBe(text)
            expect(JSON.stringify(decided), flag).toBe(text)
          } else {
            expect(explained.errorCode, flag).toBe(errorCode)
            // Without a bucket key OFREP refuses; in a process the flag's own answer stands beside the code.
            expect(details, flag).toStrictEqual({ ...decided, errorCode })
          }
          if (flag === 'alpha' && killed.some(({ target }) => target === 'all-routes')) continue
          const told = signed.objectDetails(flag, value)
          if (errorCode === undefined) expect(JSON.stringify(told), flag).toBe(JSON.stringify(answer))
          else expect(told.errorCode, flag).toBe(errorCode)
        }
      }),
      { numRuns: 5_000 },
    )
    expect(compared).toBeGreaterThan(5_000)
  })
})
