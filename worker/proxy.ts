/**
 * One routed request: identity, context, decision, origin, at most one failover. Responses stream through untouched unless
 * the route asks for debug headers or for pages with flags in them, or a first visit needs its cookie.
 */
import type { Decision, Prepared, PreviewClaims } from '../engine/index.ts'
import { attempt, brokenBody, type Outcome } from './attempt.ts'
import { isPage, withBootstrap } from './bootstrap.ts'
import { orElsewhere } from './cross-arm.ts'
import { decide, originOf } from './decide.ts'
import { type Destination, destination } from './destination.ts'
import { type Forwarding, forwarded } from './forward.ts'
import { identify, type Proofs, type Visitor } from './identity.ts'
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

/** A promise only where something is waited for; each one more costs every request. */
export function proxy(facts: RequestFacts, route: PreparedRoute, edge: Edge): Response | Promise<Response> {
  const refusal = refusalOf(facts.request)
  if (refusal === null) return admitted(facts, route, edge)
  return refusal instanceof Promise
    ? refusal.then((refused) => refused ?? admitted(facts, route, edge))
    : refusal
}

function admitted(facts: RequestFacts, route: PreparedRoute, edge: Edge): Response | Promise<Response> {
  const visitor = identify(facts, route.identity, edge)
  return visitor instanceof Promise
    ? visitor.then((known) => routed(facts, route, edge, known))
    : routed(facts, route, edge, visitor)
}

function routed(
  facts: RequestFacts,
  route: PreparedRoute,
  edge: Edge,
  visitor: Visitor,
): Response | Promise<Response> {
  const { prepared, loopToken, samples, signer, preview, background, later } = edge
  const { key, setCookie } = visitor
  const closed = route.closed?.(facts, key)
  if (closed) return closed
  const decision = decide(prepared, route, facts, key, preview)
  if (preview === null && samples.draws()) samples.keep(draw(facts, key))
  const decided = originOf(route, decision)
  const forwarding: Forwarding = { prepared, facts, route, decision, key, decided, loopToken, signer }
  const nowMs = Date.now()
  // A kill's variant is served, broken or not: the others are what was killed.
  const anyhow = decision.metadata.killed === true
  const by: Chooser = { facts, key, nowMs, random: Math.random, anyhow }
  const chosen = destination(route, decided, by)
  const isPreview = preview !== null
  const mirroring = route.mirror === null || isPreview ? null : edge
  const ask = (): Promise<Answered> => fromOrigin(forwarding, chosen, by, mirroring)
  const asked =
    route.cache === null || isPreview ? ask() : route.cache.answer(facts, chosen.to.variant, ask, background)
  return asked.then((answered) => {
    const stays = route.route.drain !== undefined && isLongLived(answered.response)
    const passed = stays ? drainable(answered, { forwarding, chosen, later }) : answered.response
    const response =
      route.route.bootstrap && isPage(facts, passed)
        ? withBootstrap(passed, prepared, facts, visitor)
        : passed
    const page = ofOneVisitor(route, decision) && isSplitPage(facts, response)
    if (setCookie === null && !page && !route.route.debug && !isPreview) return response
    const debug = route.route.debug || isPreview
    return respond(response, { debug, page, decision, answered, setCookie, isPreview })
  })
}

type Mirroring = Pick<Edge, 'mirrors' | 'background'> | null

/** The answer of the origin that was chosen, or of the one other that may stand in for it. */
function fromOrigin(
  forwarding: Forwarding,
  chosen: Destination,
  by: Chooser,
  mirroring: Mirroring,
): Promise<Answered> {
  const { request } = forwarding.facts
  if (request.body === null) return sent({ forwarding, chosen, content: undefined, by }, by.nowMs, mirroring)
  return contentOf(request).then((content) =>
    content === null
      ? { response: brokenBody(), served: chosen.to.variant }
      : sent({ forwarding, chosen, content, by }, Date.now(), mirroring),
  )
}

function sent(tries: FirstTry, nowMs: number, mirroring: Mirroring): Promise<Answered> {
  const { forwarding, chosen, content, by } = tries
  const { facts, route, decision } = forwarding
  const { to, upstream } = chosen
  const isCopied = mirroring?.mirrors.draws(route, facts.request, decision, to.variant, by.random) === true
  to.budget.request(by.nowMs)
  const timeoutMs = Math.min(to.timeoutMs, route.deadlineMs)
  const request = forwarded(chosen, forwarding, content)
  const first =
    request instanceof Promise
      ? request.then((signed) => attempt(upstream, signed, timeoutMs, Date.now()))
      : attempt(upstream, request, timeoutMs, nowMs)
  const answer = (outcome: Outcome): Answered | Promise<Answered> => {
    if (outcome.failure !== null) return afterFailure(outcome, tries)
    const { response } = outcome
    return response.status === 404 ? orElsewhere(response, tries) : { response, served: to.variant }
  }
  return isCopied ? copied(first, answer, tries, mirroring!) : first.then(answer)
}

/** The same, and a copy of the request for another variant. */
async function copied(
  first: Promise<Outcome>,
  answer: (first: Outcome) => Answered | Promise<Answered>,
  { forwarding, chosen, content, by }: FirstTry,
  { mirrors, background }: Pick<Edge, 'mirrors' | 'background'>,
): Promise<Answered> {
  const sentAtMs = Date.now()
  const outcome = await first
  const latencyMs = Date.now() - sentAtMs
  const answered = await answer(outcome)
  if (outcome.failure === null && answered.served === chosen.to.variant) {
    const body = content instanceof ArrayBuffer ? content : undefined
    mirrors.send({ ...answered, latencyMs }, { forwarding, by, body }, background)
  }
  return answered
}

/** Others may get another variant at the same address. */
const ofOneVisitor = ({ splitPages, route }: PreparedRoute, { metadata }: Decision): boolean =>
  splitPages || (metadata.override === true && route.cache?.html !== 'as-is')
