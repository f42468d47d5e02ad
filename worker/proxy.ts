/**
 * One routed request: identity, context, decision, origin, at most one failover. Responses stream through untouched unless
 * the route asks for debug headers or for pages with flags in them, or a first visit needs its cookie.
 */
import type { Decision, Prepared, PreviewClaims } from '../engine/index.ts'
import { attempt, brokenBody } from './attempt.ts'
import { isPage, withBootstrap } from './bootstrap.ts'
import { orElsewhere } from './cross-arm.ts'
import { decide, originOf } from './decide.ts'
import { type Destination, destination } from './destination.ts'
import { type Forwarding, forwarded } from './forward.ts'
import { identify, type Proofs } from './identity.ts'
import { drainable, isLongLived } from './long-lived.ts'
import type { Mirrors } from './mirror.ts'
import { refusalOf } from './passable.ts'
import type { Chooser } from './pool.ts'
import type { View } from './preview.ts'
import type { RequestFacts } from './request-facts.ts'
import type { Reservoir } from './reservoir.ts'
import { respond } from './respond.ts'
import type { PreparedRoute } from './routes.ts'
import { type Drawn, draw } from './sample.ts'
import { type Answered, afterFailure, contentOf, type FirstTry } from './second-try.ts'
import type { ContextSigner } from './signed-context.ts'
import { isSplitPage } from './split-page.ts'

export interface Edge extends Proofs {
  readonly prepared: Prepared
  readonly loopToken: string
  readonly samples: Reservoir<Drawn>
  readonly signer: ContextSigner | null
  /** What the request carries, where it holds. */
  readonly preview: PreviewClaims | null
  /** What the same request would be answered by now; `null`: nothing is loaded. Never waits. */
  readonly later: () => View | null
  readonly mirrors: Mirrors
}

export async function proxy(facts: RequestFacts, route: PreparedRoute, edge: Edge): Promise<Response> {
  const { prepared, loopToken, samples, signer, preview, background, later } = edge
  const refusal = refusalOf(facts.request)
  const refused = refusal instanceof Promise ? await refusal : refusal
  if (refused !== null) return refused
  const identified = identify(facts, route.identity, edge)
  const visitor = identified instanceof Promise ? await identified : identified
  const { key, setCookie } = visitor
  const closed = route.closed?.(facts, key)
  if (closed) return closed
  const decision = decide(prepared, route, facts, key, preview)
  if (preview === null && samples.draws()) samples.keep(draw(facts, key))
  const decided = originOf(route, decision)
  const forwarding: Forwarding = { prepared, facts, route, decision, key, decided, loopToken, signer }
  const startedMs = Date.now()
  // A kill's variant is served, broken or not: the others are what was killed.
  const anyhow = decision.metadata.killed === true
  const by: Chooser = { facts, key, nowMs: startedMs, random: Math.random, anyhow }
  const chosen = destination(route, decided, by)
  const isPreview = preview !== null
  const mirroring = route.mirror === null || isPreview ? null : edge
  const answered =
    route.cache === null || isPreview
      ? await fromOrigin(forwarding, chosen, by, mirroring)
      : await route.cache.answer(
          facts,
          chosen.to.variant,
          () => fromOrigin(forwarding, chosen, by, mirroring),
          background,
        )
  const stays = route.route.drain !== undefined && isLongLived(answered.response)
  const passed = stays ? drainable(answered, { forwarding, chosen, later }) : answered.response
  const response =
    route.route.bootstrap && isPage(facts, passed) ? withBootstrap(passed, prepared, facts, visitor) : passed
  const page = ofOneVisitor(route, decision) && isSplitPage(facts, response)
  if (setCookie === null && !page && !route.route.debug && !isPreview) return response
  const debug = route.route.debug || isPreview
  return respond(response, { debug, page, decision, answered, setCookie, isPreview })
}

/** The answer of the origin that was chosen, or of the one other that may stand in for it. */
async function fromOrigin(
  forwarding: Forwarding,
  chosen: Destination,
  by: Chooser,
  mirroring: Pick<Edge, 'mirrors' | 'background'> | null,
): Promise<Answered> {
  const { facts, route, decision } = forwarding
  const { to } = chosen
  const content = facts.request.body === null ? undefined : await contentOf(facts.request)
  if (content === null) return { response: brokenBody(), served: to.variant }
  const isCopied = mirroring?.mirrors.draws(route, facts.request, decision, to.variant, by.random) === true
  to.budget.request(by.nowMs)
  const request = forwarded(chosen, forwarding, content)
  const sentAtMs = isCopied ? Date.now() : 0
  const first = await attempt(
    chosen.upstream,
    request instanceof Promise ? await request : request,
    Math.min(to.timeoutMs, route.deadlineMs),
  )
  const tries: FirstTry = { forwarding, chosen, content, by }
  if (first.failure !== null) return afterFailure(first, tries)
  const latencyMs = isCopied ? Date.now() - sentAtMs : 0
  const answered =
    first.response.status === 404
      ? await orElsewhere(first.response, tries)
      : { response: first.response, served: to.variant }
  if (isCopied && answered.served === to.variant) {
    const body = content instanceof ArrayBuffer ? content : undefined
    mirroring!.mirrors.send({ ...answered, latencyMs }, { forwarding, by, body }, mirroring!.background)
  }
  return answered
}

/** Others may get another variant at the same address. */
const ofOneVisitor = ({ splitPages, route }: PreparedRoute, { metadata }: Decision): boolean =>
  splitPages || (metadata.override === true && route.cache?.html !== 'as-is')
