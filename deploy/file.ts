/**
 * deploy.toml: which Workers there are, and where they answer. Checked whole, with every problem at once. Pure.
 */
import { show, type Table, TableCheck } from '../local/table-check.ts'
import { NOT_ON_CLOUDFLARE, settingsProblems } from '../local/worker-settings.ts'
import { isProductionName, ofEnvironment } from './names.ts'
import type { Refusal } from './refusal.ts'

/** Where a Worker answers, and what it is told. */
export interface Target {
  /** Of the Worker, in the account. */
  readonly name: string
  /** Host names that are the Worker's own. */
  readonly domains: readonly string[]
  /** Patterns of `zone`, in front of what the zone's DNS names. */
  readonly routes: readonly string[]
  readonly zone: string | null
  /** Also, or only, at NAME.SUBDOMAIN.workers.dev. */
  readonly workersDev: boolean
  readonly vars: Readonly<Record<string, string>>
}

/** An edge: it serves one environment. */
export interface EdgeTarget extends Target {
  readonly production: boolean
}

export interface DeployFile {
  /** `null`: wrangler finds it out, which it cannot where a login has several. */
  readonly accountId: string | null
  readonly controlPlane: Target
  readonly environments: ReadonlyMap<string, EdgeTarget>
}

const WORKER_NAME_MUST = 'at most 63 lower-case letters, digits and dashes'
const WORKER_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/
const ROUTE = /^[^\s/]+\/\S*$/
const ENVIRONMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

const TARGET_FIELDS = ['name', 'domains', 'routes', 'zone', 'workers_dev', 'vars']

/** The file's content, or what is wrong with it. `file` is its name, for the sentences. */
export function checkFile(content: unknown, file: string): { file: DeployFile } | { refusals: Refusal[] } {
  const check = new Check()
  const top = check.table(content, 'the file', ['account_id', 'control-plane', 'environments'])
  const accountId =
    top.account_id === undefined
      ? null
      : check.text(top.account_id, 'account_id', /^[0-9a-f]{32}$/, '32 hexadecimal digits')
  const controlPlane = check.target(top['control-plane'] ?? {}, 'control-plane', 'turnout-admin', 'admin')
  const environments = new Map<string, EdgeTarget>()
  for (const [name, value] of Object.entries(check.table(top.environments ?? {}, 'environments'))) {
    const path = `environments.${JSON.stringify(name).slice(1, -1)}`
    if (!ENVIRONMENT_NAME.test(name))
      check.problem(path, 'must be named with letters, digits, dots, dashes and underscores')
    const target = check.target(value, path, `turnout-edge-${ofEnvironment(name)}`, 'edge', ['production'])
    const { production = false } = (value ?? {}) as Table
    const says = check.flag(production, `${path}.production`)
    environments.set(name, { ...target, production: says || isProductionName(name) })
  }
  check.unique([controlPlane, ...environments.values()])
  if (check.problems.length > 0)
    return { refusals: check.problems.map((problem) => ({ problem, next: `change it in ${file}` })) }
  return { file: { accountId, controlPlane, environments } }
}

class Check extends TableCheck {
  /** `fields`: those that this kind of Worker has besides. */
  target(
    value: unknown,
    path: string,
    name: string,
    worker: 'admin' | 'edge',
    fields: readonly string[] = [],
  ): Target {
    const table = this.table(value, path, [...TARGET_FIELDS, ...fields])
    const target: Target = {
      name: this.text(table.name ?? name, `${path}.name`, WORKER_NAME, WORKER_NAME_MUST),
      domains: this.texts(table.domains ?? [], `${path}.domains`, HOST, 'a host name'),
      routes: this.texts(table.routes ?? [], `${path}.routes`, ROUTE, 'a pattern such as www.example.com/*'),
      zone: table.zone === undefined ? null : this.text(table.zone, `${path}.zone`, HOST, 'a domain'),
      workersDev: this.flag(table.workers_dev ?? false, `${path}.workers_dev`),
      vars: this.vars(table.vars ?? {}, `${path}.vars`),
    }
    for (const sentence of settingsProblems(target.vars, worker, NOT_ON_CLOUDFLARE))
      this.problem(`${path}.vars`, sentence)
    if (target.routes.length > 0 && target.zone === null)
      this.problem(path, 'has routes, so it must name their zone')
    if (target.zone !== null && target.routes.length === 0)
      this.problem(path, 'has a zone, but no routes in it')
    return target
  }

  /** Two Workers of one name would overwrite each other, and one host leads to one of them. */
  unique(targets: readonly Target[]): void {
    for (const [what, values] of [
      ['the Worker name', targets.map(({ name }) => name)],
      ['the domain', targets.flatMap(({ domains }) => domains)],
      ['the route', targets.flatMap(({ routes }) => routes)],
    ] as const)
      for (const twice of new Set(values.filter((value, at) => value !== '' && values.indexOf(value) !== at)))
        this.problem('the file', `uses ${what} ${show(twice)} twice`)
  }
}
