/** docs/operations.md has every field, option and secret that a deployment and a server of one's own take, and no other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { SECRETS } from '../../deploy/secrets.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const page = read('docs/operations.md')

/** What stands below a heading, until the next one of any rank. */
const sectionOf = (heading: string): string =>
  new RegExp(`^#+ ${heading}\\n([\\s\\S]*?)(?=^#+ |(?![\\s\\S]))`, 'm').exec(page)![1]!

/** Names in the first column of the table that begins so. */
function fieldsIn(head: string): string[] {
  const rows = page.slice(page.indexOf(`\n| ${head} |`)).split('\n\n')[0]!
  const cells = Array.from(rows.matchAll(/^\| (`[^|]+) \|/gm), ([, cell]) => cell!)
  return cells.flatMap((cell) => Array.from(cell.matchAll(/`([a-z_]+)`/g), ([, name]) => name!)).sort()
}

/** Texts of a list in a source. */
const listIn = (file: string, name: string): string[] =>
  Array.from(
    new RegExp(`const ${name} = \\[(.*)\\]`).exec(read(file))![1]!.matchAll(/'(\w+)'/g),
    ([, text]) => text!,
  )

describe('docs/operations.md', () => {
  it('has the fields of deploy.toml', () => {
    const known = [...listIn('deploy/file.ts', 'TARGET_FIELDS'), 'production', 'account_id']
    expect(fieldsIn('field')).toEqual(known.sort())
  })

  it('has the fields of selfhost.toml', () => {
    const known = [...listIn('selfhost/file.ts', 'FIELDS'), 'state_dir', 'max_heap_mb', 'country_header']
    expect(fieldsIn('field of `selfhost.toml`').filter((name) => name !== 'selfhost')).toEqual(known.sort())
  })

  it('has the options of a deployment', () => {
    const options = Array.from(read('deploy/options.ts').matchAll(/'(--[a-z-]+)/g), ([, name]) => name!)
    expect(options.length).toBeGreaterThan(4)
    expect(options.filter((name) => !page.includes(name))).toEqual([])
  })

  it('has the secrets of both Workers', () => {
    const section = sectionOf('Secrets of the first time')
    expect(SECRETS.filter(({ name }) => !section.includes(`\`${name}\``))).toEqual([])
  })
})
