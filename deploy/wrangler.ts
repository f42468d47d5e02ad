/** The one place where wrangler is called: as a process, as an operator would. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface WranglerOptions {
  /** Program and first arguments. */
  readonly command: readonly [string, ...string[]]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What wrangler says of a deployment to those who are no people. Source: its WRANGLER_OUTPUT_FILE_PATH. */
export interface Deployed {
  readonly versionId: string | null
  /** Addresses, as wrangler writes them. */
  readonly targets: readonly string[]
}

export class Wrangler {
  readonly #options: WranglerOptions

  constructor(options: WranglerOptions) {
    this.#options = options
  }

  /** Runs a command to its end. Without a terminal wrangler asks nothing and answers its own questions. */
  run(...args: string[]): Promise<Ran> {
    return this.#spawn(args, 'pipe', {})
  }

  /** Runs `wrangler deploy` in the operator's terminal if there is one, so that wrangler's questions reach somebody. */
  async deploy(args: readonly string[], inTerminal: boolean): Promise<Ran & Deployed> {
    const folder = mkdtempSync(join(tmpdir(), 'turnout-deploy-'))
    const output = join(folder, 'output.ndjson')
    try {
      const ran = await this.#spawn(['deploy', ...args], inTerminal ? 'inherit' : 'pipe', {
        WRANGLER_OUTPUT_FILE_PATH: output,
      })
      return { ...ran, ...deployedIn(ran.code === 0 ? readFileSync(output, 'utf8') : '') }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  #spawn(args: readonly string[], stdio: 'pipe' | 'inherit', more: Record<string, string>): Promise<Ran> {
    const { command, cwd, env } = this.#options
    const [program, ...first] = command
    return new Promise((done, fail) => {
      const child = spawn(program, [...first, ...args], {
        cwd,
        stdio: stdio === 'pipe' ? ['ignore', 'pipe', 'pipe'] : 'inherit',
        env: { ...env, ...QUIET, ...more },
      })
      const said = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const)
        child[name]?.setEncoding('utf8').on('data', (text) => {
          said[name] += text
        })
      child.on('error', (error) =>
        fail(new Error(`[deploy/wrangler] ${program} could not be started`, { cause: error })),
      )
      child.on('close', (code) => done({ code: code ?? 1, ...said }))
    })
  }
}

/** No reports to anybody, and nothing that is not part of an answer. */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
}

function deployedIn(output: string): Deployed {
  for (const line of output.split('\n').filter((line) => line !== '')) {
    const entry = JSON.parse(line)
    if (entry.type === 'deploy') return { versionId: entry.version_id ?? null, targets: entry.targets ?? [] }
  }
  return { versionId: null, targets: [] }
}

/** What wrangler complained about, without the decoration of a terminal and the path of its log. */
export function wordsOf({ stdout, stderr }: Ran): string {
  return (stderr.trim() === '' ? stdout : stderr)
    .replace(ESCAPES, '')
    .split('\n')
    .map((line) => line.replace(/^✘ /, '').trimEnd())
    .filter((line) => line.trim() !== '' && !/Logs were written to|think this is a bug/.test(line))
    .join('\n')
}

const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')
