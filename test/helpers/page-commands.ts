/** The commands that a page of docs/ shows, and a shell that runs them against a local run. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LocalRun } from './system.ts'

export interface PageCommand {
  /** The heading above it. */
  readonly section: string
  readonly command: string
  /** What the page says that it answers: the comment below it, without its marks, or the block without a language. */
  readonly shown: string
}

/** In order. A command may have several lines; a block that is followed by one without a language answers that. */
export function commandsOf(page: string): PageCommand[] {
  const text = readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), 'utf8')
  const parts = text.matchAll(/^#+ (.*)$|^```sh\n([\s\S]*?)^```\n(?:\n```\n([\s\S]*?)^```)?/gm)
  let section = ''
  return Array.from(parts).flatMap(([, heading, block = '', output = '']) => {
    section = heading ?? section
    const commands = commandsIn(block).map((command) => ({ section, ...command }))
    return output === '' ? commands : [...commands.slice(0, -1), { ...commands.at(-1)!, shown: output }]
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
  /** Addresses on the page → those of this run. */
  readonly #here: readonly (readonly [page: string, here: string])[]
  #text = ''
  #hear = () => {}

  constructor({ adminUrl, edgeUrl, adminToken }: LocalRun, folder: string) {
    mkdirSync(join(folder, '.turnout'))
    writeFileSync(join(folder, '.turnout', 'admin-token'), adminToken)
    this.#here = [
      ['http://127.0.0.1:8788', adminUrl],
      ['http://127.0.0.1:8787', edgeUrl],
    ]
    this.#bash = spawn('bash', { cwd: folder })
    for (const stream of [this.#bash.stdout, this.#bash.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#text += chunk
        this.#hear()
      })
    // What is refused is a failure.
    this.#bash.stdin.write('curl() { command curl --fail-with-body "$@"; }\n')
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
