/**
 * Asks both Workers how they are, at the addresses that people use, until what was just deployed answers there. A new
 * address takes its time: names and certificates are made after the deployment.
 */

export interface Question {
  /** `control plane` or `edge`. */
  readonly worker: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** The Worker version that must answer; `null`: whatever does. */
  readonly versionId: string | null
}

export interface SmokeWorld {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly nowMs: () => number
  readonly wait: (ms: number) => Promise<unknown>
}

/**
 * `note`: it answers, and this is what there is to say of it. `isEmpty`: the edge's environment does not exist, which is no
 * fault of the deployment.
 */
export type Outcome =
  | { readonly ok: true; readonly note: string | null; readonly isEmpty?: true }
  | { readonly ok: false; readonly why: string }

/** How long a new address may take. */
const PATIENCE_MS = 120_000
const PAUSE_MS = 2_000
const ATTEMPT_MS = 10_000

export async function ask(question: Question, world: SmokeWorld): Promise<Outcome> {
  for (const deadline = world.nowMs() + PATIENCE_MS; ; await world.wait(PAUSE_MS)) {
    const outcome = await askOnce(question, world)
    if (outcome.ok || world.nowMs() >= deadline) return outcome
  }
}

async function askOnce(question: Question, { fetch }: SmokeWorld): Promise<Outcome> {
  try {
    const { url, headers } = question
    const response = await fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(ATTEMPT_MS),
    })
    return judge(question, response.status, response.headers.get('location'), await response.text())
  } catch (error) {
    const { message, cause } = error as Error
    return { ok: false, why: cause instanceof Error ? `${message}: ${cause.message}` : message }
  }
}

/** Pure. */
function judge(question: Question, status: number, location: string | null, body: string): Outcome {
  if (status >= 300 && status < 400 && /\.cloudflareaccess\.com\//.test(location ?? ''))
    return { ok: true, note: 'Cloudflare Access stands in front of it and let nobody through to look' }
  const answer = parse(body)
  if (answer === null) return { ok: false, why: `status ${status}, and no JSON: ${body.slice(0, 80)}` }
  const { release, components = [] } = answer
  const problems = [...(answer.problems ?? []), ...components.flatMap((component) => component.problems)]
  if (question.versionId !== null && release !== undefined && release?.id !== question.versionId)
    return { ok: false, why: `version ${release?.id ?? 'unknown'} answers, not ${question.versionId}` }
  if (status === 200) {
    const degraded = answer.status === 'degraded' ? `degraded: ${problems.join('; ')}` : null
    return {
      ok: true,
      note: degraded ?? (release === undefined ? 'which version answers was not visible' : null),
    }
  }
  if (problems.some((problem) => NO_ENVIRONMENT.test(problem)))
    return {
      ok: true,
      note: 'it runs, and has nothing to serve: its environment does not exist',
      isEmpty: true,
    }
  return { ok: false, why: `status ${status}: ${problems.join('; ') || body.slice(0, 200)}` }
}

/** What the control plane tells an edge (admin/rpc.ts). */
const NO_ENVIRONMENT = /environment "[^"]*" does not exist/

interface Health {
  readonly status?: string
  /** The Worker's own version; absent where it is not shown. */
  readonly release?: { readonly id: string } | null
  readonly problems?: readonly string[]
  /** Of the control plane. */
  readonly components?: readonly { readonly problems: readonly string[] }[]
}

function parse(body: string): Health | null {
  try {
    const value = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : null
  } catch {
    return null // not JSON is an answer too: somebody else's page
  }
}
