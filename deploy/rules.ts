/** What is refused before anybody is asked: each rule says why, and what to do. Pure. */
import type { DeployFile, EdgeTarget, Target } from './file.ts'
import { isExampleHost } from './names.ts'
import type { Refusal } from './refusal.ts'
import type { Located } from './worker-config.ts'

export interface Intent {
  readonly file: DeployFile
  /** How the file is called, for the sentences. */
  readonly fileName: string
  readonly environment: string
  readonly edge: EdgeTarget
  readonly bases: { readonly controlPlane: Located; readonly edge: Located }
  /** `YYYY-MM-DD`: the newest compatibility date that the pinned workerd was made for. */
  readonly newestDate: string
}

export function refusals(intent: Intent): Refusal[] {
  const { file, environment, edge, bases } = intent
  const targets = [
    ['control-plane', file.controlPlane],
    [`environments.${environment}`, edge],
  ] as const
  return [
    ...targets.flatMap(([path, target]) => addressRefusals(path, target, intent)),
    ...[bases.controlPlane, bases.edge].flatMap((base) => [
      ...dateRefusals(base, intent.newestDate),
      ...localRefusals(base),
    ]),
  ]
}

function addressRefusals(path: string, target: Target, intent: Intent): Refusal[] {
  const { edge, environment, fileName } = intent
  const own = [...target.domains, ...target.routes]
  const domain = `write domains = ["${path === 'control-plane' ? 'turnout' : 'www'}.YOUR-DOMAIN"] below [${path}] in ${fileName}`
  if (edge.production && target.workersDev)
    return [
      {
        problem: `${path} has workers_dev = true, and ${environment} is a production environment: a workers.dev address has no location cache, and nothing of your zone (firewall, Access, rate limits) is in front of it`,
        next: `take workers_dev out of [${path}] in ${fileName}${own.length === 0 ? `, and ${domain}` : ''}`,
      },
    ]
  if (own.length === 0 && !target.workersDev)
    return [
      {
        problem: `${path} has no address: nobody could reach ${target.name}`,
        next: edge.production ? domain : `${domain}, or workers_dev = true`,
      },
    ]
  return own.filter(isExampleHost).map((host) => ({
    problem: `${path} still has the example's address ${host}`,
    next: domain,
    late: true,
  }))
}

function dateRefusals({ path, config }: Located, newestDate: string): Refusal[] {
  const date = config.compatibility_date
  if (date === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(date))
    return [
      {
        problem: `${path} has no compatibility_date`,
        next: `write compatibility_date = "${newestDate}" there`,
      },
    ]
  if (date <= newestDate) return []
  return [
    {
      problem: `${path} has compatibility_date ${date}, and the workerd that all tests ran on is of ${newestDate}: the deployed Worker would behave in ways that nobody has tried`,
      next: `set it to ${newestDate} or earlier, or update wrangler and workerd in package.json first`,
    },
  ]
}

function localRefusals({ path, config }: Located): Refusal[] {
  if (config.vars?.LOCAL === undefined) return []
  return [
    {
      problem: `${path} sets the variable LOCAL, which opens a Worker to the whole world`,
      next: 'take it out: only local runs set it, and they do it by themselves',
    },
  ]
}
