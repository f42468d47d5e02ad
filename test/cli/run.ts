/** Runs the command line inside the test, with environment variables, folders and answers of its own. */
import { vi } from 'vitest'
import { COMMANDS } from '../../cli/program.ts'
import { run } from '../../cli/run.ts'
import type { Variables } from '../../cli/world.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Milliseconds that the command wanted to wait, each time. */
  readonly waits: readonly number[]
  /** Questions that it asked, and whether the answer was hidden. */
  readonly asked: readonly { readonly question: string; readonly secret: boolean }[]
}

export interface Circumstances {
  readonly env?: Variables
  readonly root?: string
  readonly cwd?: string
  /** Where `turnout login` keeps what it is told. */
  readonly configHome?: string
  /** Standard input, if it is no terminal. */
  readonly input?: string
  /** What the person at the terminal answers, one after the other. Absent: nobody sits there. */
  readonly answers?: readonly string[]
  /** Standard output is a screen. */
  readonly screen?: boolean
  /** The clock, which stands still but for what the command waits. */
  readonly nowMs?: number
}

/** Variables that a machine may have and that must not leak into a test. */
const OWN = /^(AWS_|TURNOUT_)/

const NOW_MS = Date.parse('2026-11-21T10:00:00Z')

export async function turnout(args: readonly string[], circumstances: Circumstances = {}): Promise<Ran> {
  const { env = {}, root, cwd = '/', configHome, input = '', answers, screen = false } = circumstances
  // The AWS SDK reads process.env itself.
  for (const name of Object.keys(process.env).filter((name) => OWN.test(name))) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  let [out, err, nowMs] = ['', '', circumstances.nowMs ?? NOW_MS]
  const waits: number[] = []
  const asked: { question: string; secret: boolean }[] = []
  const pending = [...(answers ?? [])]
  try {
    const code = await run(args, COMMANDS, {
      env: process.env,
      root: root ?? temporaryFolder(),
      cwd,
      configHome: configHome ?? temporaryFolder(),
      terminal: {
        answers: answers !== undefined,
        screen,
        columns: 80,
        read: async () => input,
        async ask(question, { secret = false } = {}) {
          asked.push({ question, secret })
          return pending.shift() ?? null
        },
      },
      async wait(ms) {
        waits.push(ms)
        nowMs += ms
      },
      nowMs: () => nowMs,
      drained: async () => {},
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    })
    return { code, out, err, waits, asked }
  } finally {
    vi.unstubAllEnvs()
  }
}
