/** After a deployment: a look at both Workers, and what comes next. */
import type { Target } from './file.ts'
import type { Plan } from './plan.ts'
import { Failed } from './refusal.ts'
import type { Secrets } from './secret-check.ts'
import { ask, type Question, type SmokeWorld } from './smoke-test.ts'
import type { Deployed } from './wrangler.ts'

export interface AfterWorld extends SmokeWorld {
  readonly say: (text: string) => void
  /** Shown to the control plane's health; `null`: nobody knows it here. */
  readonly adminToken: string | null
  /** Headers that open Cloudflare Access to a machine. */
  readonly accessHeaders: Readonly<Record<string, string>>
}

/** Resolves with whether the edge's environment is yet to be made. Throws `Failed` if a Worker does not answer as it should. */
export async function smokeTest(
  plan: Plan,
  deployed: { readonly controlPlane: Deployed; readonly edge: Deployed },
  secrets: Secrets,
  world: AfterWorld,
): Promise<boolean> {
  world.say('\nAsking both how they are; a new address takes a minute or two …\n')
  const token = secrets.controlPlane.generated.ADMIN_BOOTSTRAP_TOKEN ?? world.adminToken
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` }
  const controlPlane = question(plan.file.controlPlane, '/health/ready', deployed.controlPlane, {
    worker: 'control plane',
    headers: { ...world.accessHeaders, ...authorization },
  })
  const edge = question(plan.edge, '/.turnout/health/ready', deployed.edge, {
    worker: 'edge',
    headers: {},
  })
  const failures: string[] = []
  let isEmpty = false
  for (const each of [controlPlane, edge]) {
    const outcome = await ask(each, world)
    const words = outcome.ok
      ? (outcome.note ?? 'ready, and it is the version that was deployed')
      : outcome.why
    world.say(`  ${each.worker}  ${each.url}  ${words}\n`)
    if (outcome.ok) isEmpty ||= outcome.isEmpty === true
    else failures.push(`the ${each.worker} at ${each.url}: ${words}`)
  }
  if (failures.length === 0) return isEmpty
  throw new Failed(
    `deployed, but not well: ${failures.join('; ')}`,
    ['Both Workers are deployed, and get the traffic.'],
    'npx wrangler tail WORKER shows its log; npx wrangler rollback --name WORKER brings back the version before',
  )
}

function question(
  target: Target,
  path: string,
  { versionId, targets }: Deployed,
  more: Omit<Question, 'url' | 'versionId'>,
): Question {
  return { url: `https://${hostOf(target, targets)}${path}`, versionId, ...more }
}

/** The first address that is one host; deploy.toml names at least one address of some kind. */
function hostOf({ domains, routes, zone }: Target, deployedTo: readonly string[]): string {
  const ofRoutes = routes.map((route) => route.split('/')[0]!).find((host) => !host.includes('*'))
  const workersDev = deployedTo.find((target) => target.startsWith('https://'))?.slice('https://'.length)
  return domains[0] ?? ofRoutes ?? workersDev ?? zone!
}

/** What the operator does now. */
export function nextSteps(
  { file, edge, environment }: Plan,
  isEmpty: boolean,
  controlPlane: Deployed,
): string {
  const back = `To go back: npx wrangler rollback --name ${edge.name}\n`
  if (!isEmpty) return back
  const api = `https://${hostOf(file.controlPlane, controlPlane.targets)}/api/v1/environments/${environment}`
  return `The edge has nothing to serve before its environment exists. Make it, then publish a document:

  curl -X PUT ${api} -H "authorization: Bearer $TOKEN" \\
    -H 'content-type: application/json' -H 'if-none-match: *' -d '${JSON.stringify({ edgeHosts: edge.domains })}'
`
}
