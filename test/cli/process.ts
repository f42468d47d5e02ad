/** The command line as a process of its own. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Standard input; absent: there is none. */
  readonly input?: string
  /** Nobody reads its standard output. */
  readonly deaf?: boolean
}

/** Without blocking: what it talks to may answer from this process. It sees no variables but these and PATH. */
export function turnoutProcess(
  args: readonly string[],
  { env = {}, cwd, input, deaf = false }: Surroundings,
): Promise<Finished> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  child.stdin?.end(input)
  if (deaf) child.stdout!.destroy()
  let [out, err] = ['', '']
  child.stdout!.on('data', (part) => {
    out += part
  })
  child.stderr!.on('data', (part) => {
    err += part
  })
  return new Promise((done) => child.on('close', (code) => done({ code, out, err })))
}
