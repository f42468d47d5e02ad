/** What is asked of, and done to, the Cloudflare account. Every answer of wrangler is read here and nowhere else. */
import { Refused } from './refusal.ts'
import { type Ran, type Wrangler, wordsOf } from './wrangler.ts'

export class Account {
  readonly #wrangler: Wrangler

  constructor(wrangler: Wrangler) {
    this.#wrangler = wrangler
  }

  /** Throws `Refused` if nobody is logged in. */
  async requireLogin(): Promise<void> {
    const ran = await this.#wrangler.run('whoami', '--json')
    const answer = parse(ran.stdout) as { loggedIn?: boolean } | null
    if (answer?.loggedIn === true) return
    if (answer?.loggedIn !== false) throw refusedBy(ran, 'whoami')
    throw new Refused([
      {
        problem: 'nobody is logged in to Cloudflare',
        next: 'npx wrangler login; or, without a browser, set CLOUDFLARE_API_TOKEN (docs/operations.md, "Before the first time")',
      },
    ])
  }

  /** Id of the KV namespace of that title; `null`: there is none. */
  async namespace(title: string, config: string): Promise<string | null> {
    const ran = await this.#wrangler.run('kv', 'namespace', 'list', '--config', config)
    const namespaces = read<{ id: string; title: string }[]>(ran, 'kv namespace list')
    return namespaces.find((each) => each.title === title)?.id ?? null
  }

  /** Creates the namespace and gives its id. */
  async createNamespace(title: string, config: string): Promise<string> {
    const ran = await this.#wrangler.run(
      'kv',
      'namespace',
      'create',
      title,
      '--config',
      config,
      '--no-update-config',
    )
    if (ran.code !== 0) throw refusedBy(ran, `kv namespace create ${title}`)
    const id = await this.namespace(title, config)
    if (id === null)
      throw new Error(`[deploy/account] the namespace ${title} was created, and is not in the list`)
    return id
  }

  /** Names of a Worker's secrets; `null`: there is no such Worker. */
  async secrets(worker: string, config: string): Promise<string[] | null> {
    const args = ['secret', 'list', '--config', config, '--name', worker, '--format', 'json']
    const ran = await this.#wrangler.run(...args)
    if (ran.code !== 0 && /\bWorker ".*" not found/.test(wordsOf(ran))) return null
    return read<{ name: string }[]>(ran, `secret list --name ${worker}`).map(({ name }) => name)
  }
}

/** The JSON of an answer. */
function read<T>(ran: Ran, command: string): T {
  if (ran.code !== 0) throw refusedBy(ran, command)
  const value = parse(ran.stdout)
  if (value === null)
    throw new Error(`[deploy/account] wrangler ${command} answered no JSON: ${ran.stdout.slice(0, 200)}`)
  return value as T
}

/** `null`: it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // the caller says whose words these are
  }
}

/** A command failed before anything was deployed: the account says why. */
function refusedBy(ran: Ran, command: string): Refused {
  const words = wordsOf(ran)
  return new Refused([{ problem: `wrangler ${command} failed: ${words}`, next: nextAfter(words) }])
}

function nextAfter(words: string): string {
  if (/more than one account/i.test(words)) return 'write account_id = "…" at the top of deploy.toml'
  if (/\[code: (?:10000|10001|9109)\]|Authentication error/i.test(words))
    return 'npx wrangler whoami shows what the login may do; a CLOUDFLARE_API_TOKEN needs the permissions in docs/operations.md'
  return 'mend that, and run the same command again: nothing was deployed'
}
