/** The commands that a page of docs/ shows, and a shell that runs them against a local run. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LocalRun } from './system.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

export interface PageCommand {
  /** The heading above it. */
  readonly section: string
  /** One, or all of a block that is followed by what they answer together. */
  readonly commands: readonly string[]
  /** What the page says that they answer: the comment below, without its marks, or the block without a language. */
  readonly shown: string
}

export const textOf = (page: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), 'utf8')

/** In order. A command may have several lines. */
export function commandsOf(page: string): PageCommand[] {
  const parts = textOf(page).matchAll(/^#+ (.*)$|^```sh\n([\s\S]*?)^```\n(?:\n```\n([\s\S]*?)^```)?/gm)
  let section = ''
  return Array.from(parts).flatMap(([, heading, block = '', output = '']) => {
    section = heading ?? section
    const found = commandsIn(block)
    if (output !== '') return [{ section, commands: found.map(({ command }) => command), shown: output }]
    return found.map(({ command, shown }) => ({ section, commands: [command], shown }))
  })
}

function commandsIn(block: string): { command: string; shown: string }[] {
  const commands: { command: string; shown: string }[] = []
  let open: string[] = []
  for (const line of block.split('\n')) {
    if (open.length === 0 && line.startsWith('#')) commands.at(-1)!.shown += `${line.slice(1).trimStart()}\n`
    else if (open.length > 0 || line !== '') open.push(line)
    if (open.length === 0 || !isWhole(open.join('\n'))) continue
    commands.push({ command: open.join('\n'), shown: '' })
    open = []
  }
  return commands
}

const isWhole = (text: string): boolean =>
  !text.endsWith('\\') && spawnSync('bash', ['-n', '-c', text]).status === 0

/** One bash, in a folder where the token of a local run is put: what a command defines is there for the next ones. */
export class PageShell {
  readonly #bash: ChildProcessWithoutNullStreams
  /** What stands on the page → what it is here: addresses, and waiting for what the pause is for. */
  readonly #here: readonly (readonly [page: string, here: string])[]
  #text = ''
  #hear = () => {}

  constructor({ adminUrl, edgeUrl, adminToken }: LocalRun, folder: string) {
    mkdirSync(join(folder, '.turnout'))
    writeFileSync(join(folder, '.turnout', 'admin-token'), adminToken)
    this.#here = [
      ['http://127.0.0.1:8788', adminUrl],
      ['http://127.0.0.1:8787', edgeUrl],
      ['sleep 2', `'${process.execPath}' '${MAIN}' landing --env dev > /dev/null`],
    ]
    const env = { ...process.env, TURNOUT_URL: adminUrl, TURNOUT_ADMIN_TOKEN: adminToken }
    this.#bash = spawn('bash', { cwd: folder, env })
    for (const stream of [this.#bash.stdout, this.#bash.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#text += chunk
        this.#hear()
      })
    // What is refused is a failure, and the command line is that of the project.
    this.#bash.stdin.write('curl() { command curl --fail-with-body "$@"; }\n')
    this.#bash.stdin.write(`npm() { [ "$3" = turnout ] && '${process.execPath}' '${MAIN}' "\${@:5}"; }\n`)
  }

  /** What it prints, and its exit code. */
  async run(command: string): Promise<{ text: string; code: number }> {
    const local = this.#here.reduce((text, [page, here]) => text.replaceAll(page, here), command)
    this.#text = ''
    this.#bash.stdin.write(`${local}\nprintf '\\n@@@%s\\n' $?\n`)
    for (;;) {
      const end = /\n@@@(\d+)\n$/.exec(this.#text)
      const text = this.#here.reduce((said, [page, here]) => said.replaceAll(here, page), this.#text)
      if (end !== null) return { text: text.slice(0, text.lastIndexOf('\n@@@')), code: Number(end[1]) }
      await new Promise<void>((resolve) => {
        this.#hear = resolve
      })
    }
  }

  end(): void {
    this.#bash.stdin.end()
  }
}
