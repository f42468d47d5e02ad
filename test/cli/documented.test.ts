/** docs/cli.md has every command and every option of the command line, and no other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { Command as Program } from '../../cli/command.ts'
import { COMMANDS } from '../../cli/program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/cli.md'), 'utf8')
const table = /^\| command \| what it does \|\n.*\n((?:\|.*\n)+)/m.exec(page)![1]!

const program = new Program('turnout')
for (const add of COMMANDS) add(program, () => async () => {})

/** Commands that do something, by their words; what only shells call is nobody's. */
function leaves(
  command: Command,
  words: readonly string[] = [],
): { words: readonly string[]; command: Command }[] {
  if (command.commands.length === 0) return [{ words, command }]
  return command.commands.flatMap((each) => leaves(each as Command, [...words, each.name()]))
}
const commands = leaves(program).filter(({ words }) => words[0] !== 'complete')

const isNamed = (name: string, text: string): boolean => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(text)

/** `preview list`, `revoke ID`: the first word counts for all of a row. */
const rowOf = (words: readonly string[]): string | undefined =>
  table.split('\n').find((row) => words.every((word) => isNamed(word, row.split(' | ')[0]!)))

describe('the page of the command line', () => {
  test('has a row for each command', () => {
    expect(commands.length).toBeGreaterThan(40)
    expect(
      commands.filter(({ words }) => rowOf(words) === undefined).map(({ words }) => words.join(' ')),
    ).toEqual([])
  })

  test('names each option', () => {
    const options = commands.flatMap(({ words, command }) =>
      command.options.map(({ long }) => ({ long: long!, words })),
    )
    const missing = options.filter(({ long }) => !isNamed(long, page))
    expect(missing.map(({ long, words }) => `${words.join(' ')} ${long}`)).toEqual([])
  })

  test('names no option that there is not', () => {
    const known = new Set(commands.flatMap(({ command }) => command.options.map(({ long }) => long)))
    const ofAll = ['--env', '--url', '--context', '--token', '--json', '--yes', '--help']
    const named = new Set(Array.from(page.matchAll(/(?<![\w-])--[a-z][a-z-]*/g), ([name]) => name))
    expect([...named].filter((name) => !known.has(name) && !ofAll.includes(name))).toEqual([])
  })
})
