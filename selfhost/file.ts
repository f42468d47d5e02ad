/** selfhost.toml: where the Workers of one server listen, and whom they believe. Checked whole. Pure. */
import { parseProxies } from '../engine/index.ts'
import { TableCheck } from '../local/table-check.ts'
import { NOT_ON_A_SERVER, settingsProblems } from '../local/worker-settings.ts'

export interface SelfHostFile {
  /** Absolute path of the folder that keeps everything, on the server. */
  readonly stateDir: string
  /** Largest JavaScript heap of each Worker, in megabytes. */
  readonly maxHeapMb: number
  readonly controlPlane: Listener
  /** By environment. */
  readonly edges: ReadonlyMap<string, EdgeListener>
}

export interface Listener {
  /** host:port, or unix:PATH. */
  readonly listen: string
  /** Whose headers are believed, as the Workers read it: `none`, or a list. */
  readonly trustedProxy: string
  readonly vars: Readonly<Record<string, string>>
}

export interface EdgeListener extends Listener {
  /** In which trusted proxies write a client's country. */
  readonly countryHeader: string | null
}

const FIELDS = ['listen', 'trusted_proxy', 'vars']
const LISTEN = /^(?:unix:\/\S+|(?:\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5})$/
const ENVIRONMENT = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const HEADER = /^(?!x-turnout-)[a-z][a-z0-9-]*$/
/** Enough for a document of 10 MB; far less than the 1.4 GB that V8 takes by itself under load. */
const DEFAULT_HEAP_MB = 256

/** The file's content, or a sentence for each problem. */
export function checkFile(content: unknown): { file: SelfHostFile } | { problems: readonly string[] } {
  const check = new Check()
  const top = check.table(content, 'the file', ['state_dir', 'max_heap_mb', 'control-plane', 'edges'])
  const file: SelfHostFile = {
    stateDir: check.text(top.state_dir, 'state_dir', /^\/\S+$/, 'an absolute path'),
    maxHeapMb: check.heap(top.max_heap_mb ?? DEFAULT_HEAP_MB),
    controlPlane: check.listener(top['control-plane'] ?? {}, 'control-plane', 'admin', '127.0.0.1:8788'),
    edges: new Map(
      Object.entries(check.table(top.edges ?? {}, 'edges')).map(([name, value]) => [
        name,
        check.edge(value, name),
      ]),
    ),
  }
  if (file.edges.size === 0) check.problem('the file', 'has no edge: write [edges.NAME] for each environment')
  const addresses = [file.controlPlane, ...file.edges.values()].map(({ listen }) => listen)
  // Port 0 is another one each time.
  const fixed = addresses.filter((each) => each !== '' && !/:0+$/.test(each))
  for (const twice of new Set(fixed.filter((each, at) => fixed.indexOf(each) !== at)))
    check.problem('the file', `listens at ${twice} twice`)
  return check.problems.length > 0 ? { problems: check.problems } : { file }
}

class Check extends TableCheck {
  heap(value: unknown): number {
    if (Number.isInteger(value) && (value as number) >= 64) return value as number
    this.problem('max_heap_mb', `must be a whole number of at least 64, got ${JSON.stringify(value)}`)
    return DEFAULT_HEAP_MB
  }

  edge(value: unknown, name: string): EdgeListener {
    const path = `edges.${name}`
    if (!ENVIRONMENT.test(name))
      this.problem(path, 'must be named with letters, digits, dots, dashes and underscores')
    const { country_header: header } = (value ?? {}) as Record<string, unknown>
    const countryHeader =
      header === undefined
        ? null
        : this.text(
            header,
            `${path}.country_header`,
            HEADER,
            'the name of a header in lower case, not x-turnout-…',
          )
    return { ...this.listener(value, path, 'edge', '127.0.0.1:8787', ['country_header']), countryHeader }
  }

  listener(
    value: unknown,
    path: string,
    worker: 'admin' | 'edge',
    address: string,
    fields: readonly string[] = [],
  ): Listener {
    const table = this.table(value, path, [...FIELDS, ...fields])
    const vars = this.vars(table.vars ?? {}, `${path}.vars`)
    for (const sentence of settingsProblems(vars, worker, NOT_ON_A_SERVER))
      this.problem(`${path}.vars`, sentence)
    return {
      listen: this.text(table.listen ?? address, `${path}.listen`, LISTEN, 'host:port or unix:/path'),
      trustedProxy: this.#proxies(table.trusted_proxy ?? [], `${path}.trusted_proxy`),
      vars,
    }
  }

  #proxies(value: unknown, path: string): string {
    const list = this.texts(value, path, /^/, 'a text').join(',') || 'none'
    const parsed = parseProxies(list)
    if (!parsed.ok) this.problem(path, parsed.error)
    return list
  }
}
