/** Runs the command line inside the test, with environment variables of its own. */
import { vi } from 'vitest'
import { type Commands, dispatch, type Variables } from '../../cli/command.ts'
import { importCommand } from '../../cli/import.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Milliseconds that the command wanted to wait, each time. */
  readonly waits: readonly number[]
}

const COMMANDS: Commands = { import: { summary: 'brings flags', load: async () => importCommand } }

/** Variables that a machine may have and that must not leak into a test. */
const OWN = /^(AWS_|TURNOUT_)/

export async function turnout(
  args: readonly string[],
  { env = {}, root, cwd = '/' }: { env?: Variables; root?: string; cwd?: string } = {},
): Promise<Ran> {
  // The AWS SDK reads process.env itself.
  for (const name of Object.keys(process.env).filter((name) => OWN.test(name))) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  let [out, err] = ['', '']
  const waits: number[] = []
  try {
    const code = await dispatch(args, COMMANDS, {
      env: process.env,
      root: root ?? temporaryFolder(),
      cwd,
      wait: async (ms) => waits.push(ms),
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    })
    return { code, out, err, waits }
  } finally {
    vi.unstubAllEnvs()
  }
}
