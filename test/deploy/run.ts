/** A deployment of a copy of the project's configuration, with a wrangler that only pretends, or the real one. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Host, run } from '../../deploy/run.ts'
import { Wrangler } from '../../deploy/wrangler.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const FAKE = fileURLToPath(new URL('fake-wrangler.mjs', import.meta.url))

export const DEPLOY_TOML = `
[control-plane]
domains = ["turnout.shop.dev"]
[environments.prod]
domains = ["www.shop.dev"]
vars = { FALLBACK_ORIGIN = "https://stable.shop.dev" }
[environments.staging]
workers_dev = true
`

/** What the pretended account holds; `problems` are what wrangler says instead of `build NAME` or `deploy NAME`. */
export interface FakeAccount {
  loggedIn: boolean
  several: boolean
  /** wrangler asks something, and the answer is no. */
  declined: boolean
  namespaces: { id: string; title: string }[]
  workers: Record<string, { secrets: Record<string, string>; version: number }>
  problems: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: whatever the configuration holds
  calls: { args: string[]; config: any }[]
}

const EMPTY: FakeAccount = {
  loggedIn: true,
  several: false,
  declined: false,
  namespaces: [],
  workers: {},
  problems: {},
  calls: [],
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** The account afterwards. */
  readonly account: FakeAccount
  /** Each call of wrangler, without the paths. */
  readonly commands: readonly string[]
}

export interface Project {
  readonly root: string
  /** Changes what is there before the next deployment. */
  change(account: Partial<FakeAccount>): void
  /** Answers of the Workers by URL; one that is absent cannot be reached. */
  readonly answers: Map<string, () => Response>
  /** Requests of the smoke test. */
  readonly asked: { url: string; headers: Record<string, string> }[]
  readonly waits: number[]
  deploy(args: string, host?: Partial<Host>): Promise<Ran>
}

/** A folder with the project's two wrangler.toml files, and an account. */
export function project(account: Partial<FakeAccount> = {}, toml = DEPLOY_TOML): Project {
  const root = temporaryFolder()
  mkdirSync(join(root, 'admin'))
  for (const file of ['wrangler.toml', 'admin/wrangler.toml', 'package.json'])
    copyFileSync(join(PROJECT, file), join(root, file))
  writeFileSync(join(root, 'deploy.toml'), toml)
  const accountFile = join(root, 'account.json')
  const save = (state: FakeAccount) => writeFileSync(accountFile, JSON.stringify(state))
  const load = (): FakeAccount => JSON.parse(readFileSync(accountFile, 'utf8'))
  save({ ...EMPTY, ...account })
  const answers = new Map<string, () => Response>()
  const asked: { url: string; headers: Record<string, string> }[] = []
  const waits: number[] = []
  return {
    root,
    answers,
    asked,
    waits,
    change: (changes) => save({ ...load(), ...changes }),
    async deploy(args, host = {}) {
      save({ ...load(), calls: [] })
      let [out, err, nowMs] = ['', '', 0]
      const env = { PATH: process.env.PATH, FAKE_ACCOUNT: accountFile }
      const code = await run(args.split(' '), {
        root,
        wrangler: new Wrangler({ command: [process.execPath, FAKE], cwd: root, env }),
        // The pretended wrangler asks nothing, but in a terminal its words would go there.
        isTerminal: false,
        adminToken: null,
        accessHeaders: {},
        say: (text) => {
          out += text
        },
        complain: (text) => {
          err += text
        },
        async fetch(url, init) {
          asked.push({ url, headers: init.headers as Record<string, string> })
          const answer = answers.get(url)
          if (answer === undefined)
            throw new TypeError('fetch failed', { cause: new Error(`no such host: ${url}`) })
          return answer()
        },
        nowMs: () => nowMs,
        async wait(ms) {
          waits.push(ms)
          nowMs += ms
        },
        ...host,
      })
      const after = load()
      return { code, out, err, account: after, commands: after.calls.map(({ args }) => commandOf(args)) }
    },
  }
}

const commandOf = (args: readonly string[]): string => {
  const config = args[args.indexOf('--config') + 1]?.match(/([a-z-]+)\.json$/)?.[1]
  const words = args.filter((word, at) => !word.startsWith('-') && !args[at - 1]?.startsWith('-'))
  const worker = args.includes('--name')
    ? args[args.indexOf('--name') + 1]
    : args[0] === 'deploy'
      ? config
      : ''
  return [...words, worker, args.includes('--dry-run') ? '--dry-run' : '']
    .filter((word) => word !== '')
    .join(' ')
}
