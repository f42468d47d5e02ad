/** docs/sdk.md and docs/migrations.md name every address of the package, and every option of what it makes. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const pages = ['docs/sdk.md', 'docs/migrations.md'].map(read).join('\n')

const { exports: addresses } = JSON.parse(read('sdk/package.json')) as { exports: Record<string, unknown> }

/** `Name.field` of each interface of options, in the files beside package.json. */
const options = readdirSync(join(root, 'sdk'))
  .filter((file) => /\.tsx?$/.test(file))
  .flatMap((file) =>
    Array.from(read(`sdk/${file}`).matchAll(/interface (\w+Options|Pace)\b[^{]*\{\n([\s\S]*?)^\}/gm)).flatMap(
      ([, name, body]) =>
        Array.from(body!.matchAll(/^ {2}readonly (\w+)\??:/gm), ([, field]) => `${name}.${field}`),
    ),
  )

describe('the pages of the SDK', () => {
  it('import from every address of the package', () => {
    const names = Object.keys(addresses).map((address) => `@turnout/sdk${address.slice(1)}`)
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !new RegExp(`${name}['\`]`).test(pages))).toEqual([])
  })

  it('name every option', () => {
    expect(options.length).toBeGreaterThan(25)
    expect(options.filter((option) => !pages.includes(`\`${option.split('.')[1]}\``))).toEqual([])
  })
})
