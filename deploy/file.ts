/**
 * deploy.toml: which Workers there are, and where they answer. Checked whole, with every problem at once. Pure.
 */
import { isProductionName, ofEnvironment } from './names.ts'
import type { Refusal } from './refusal.ts'
import { settingsProblems } from './settings.ts'

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

const WORKER_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const HOST = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/
const ENVIRONMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

const TARGET_FIELDS = ['name', 'domains', 'routes', 'zone', 'workers_dev', 'vars']

/** The file's content, or what is wrong with it. `file` is its name, for the sentences. */
export function checkFile(content: unknown, file: string): { file: DeployFile } | { refusals: Refusal[] } {
  const check = new Check(file)
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
    if (typeof production !== 'boolean')
      check.problem(`${path}.production`, `must be true or false, got ${show(production)}`)
    environments.set(name, { ...target, production: production === true || isProductionName(name) })
  }
  check.unique([controlPlane, ...environments.values()])
  if (check.refusals.length > 0) return { refusals: check.refusals }
  return { file: { accountId, controlPlane, environments } }
}

type Table = Readonly<Record<string, unknown>>

class Check {
  readonly refusals: Refusal[] = []
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  problem(path: string, sentence: string): void {
    this.refusals.push({ problem: `${path} ${sentence}`, next: `change it in ${this.#file}` })
  }

  /** `fields`: the ones there may be; `null`: any. */
  table(value: unknown, path: string, fields: readonly string[] | null = null): Table {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problem(path, `must be a table, got ${show(value)}`)
      return {}
    }
    for (const field of fields === null ? [] : Object.keys(value).filter((name) => !fields.includes(name)))
      this.problem(path, `has no field ${show(field)}; there are ${fields!.join(', ')}`)
    return value as Table
  }

  text(value: unknown, path: string, pattern: RegExp, must: string): string {
    if (typeof value === 'string' && pattern.test(value)) return value
    this.problem(path, `must be ${must}, got ${show(value)}`)
    return ''
  }

  texts(value: unknown, path: string, pattern: RegExp, must: string): string[] {
    if (Array.isArray(value)) return value.map((each, at) => this.text(each, `${path}[${at}]`, pattern, must))
    this.problem(path, `must be a list, got ${show(value)}`)
    return []
  }

  target(value: unknown, path: string, name: string, worker: 'admin' | 'edge', more: string[] = []): Target {
    const table = this.table(value, path, [...TARGET_FIELDS, ...more])
    const { workers_dev: workersDev = false, zone } = table
    if (typeof workersDev !== 'boolean')
      this.problem(`${path}.workers_dev`, `must be true or false, got ${show(workersDev)}`)
    const target: Target = {
      name: this.text(
        table.name ?? name,
        `${path}.name`,
        WORKER_NAME,
        'at most 63 lower-case letters, digits and dashes',
      ),
      domains: this.texts(table.domains ?? [], `${path}.domains`, HOST, 'a host name'),
      routes: this.texts(
        table.routes ?? [],
        `${path}.routes`,
        /^[^\s/]+\/\S*$/,
        'a pattern such as www.example.com/*',
      ),
      zone: zone === undefined ? null : this.text(zone, `${path}.zone`, HOST, 'a domain'),
      workersDev: workersDev === true,
      vars: this.#vars(table.vars ?? {}, `${path}.vars`, worker),
    }
    if (target.routes.length > 0 && target.zone === null)
      this.problem(path, 'has routes, so it must name their zone')
    if (target.zone !== null && target.routes.length === 0)
      this.problem(path, 'has a zone, but no routes in it')
    return target
  }

  #vars(value: unknown, path: string, worker: 'admin' | 'edge'): Record<string, string> {
    const vars = Object.entries(this.table(value, path))
    for (const [name, each] of vars)
      if (typeof each !== 'string') this.problem(`${path}.${name}`, `must be a text, got ${show(each)}`)
    const texts = Object.fromEntries(
      vars.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
    for (const sentence of settingsProblems(texts, worker)) this.problem(path, sentence)
    return texts
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

const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing'
