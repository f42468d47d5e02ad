/** README, CHANGELOG and docs/ say what is there: links and anchors lead somewhere, settings and cited sections exist. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

const PAGES = ['README.md', 'CHANGELOG.md', ...filesBelow('docs', /\.md$/)]
const FOLDERS = ['engine', 'worker', 'admin', 'sdk', 'cli', 'local', 'deploy', 'selfhost', 'bench']
const SOURCES = FOLDERS.flatMap((folder) => filesBelow(folder, /\.(?:[mc]?[jt]sx?|toml|json)$/))
const CONFIGURATION = ['package.json', 'wrangler.toml', 'deploy.toml', 'selfhost.example.toml', '.ci/run']

const code = [...SOURCES, ...CONFIGURATION].map(read).join('\n')

describe.each(PAGES)('%s', (page) => {
  it('links only to files and headings that exist', () => {
    expect(linksOf(page).flatMap((link) => brokenLink(page, link))).toStrictEqual([])
  })

  it('names only files that there are', () => {
    expect(filesNamedIn(read(page)).filter((file) => !existsSync(join(root, file)))).toStrictEqual([])
  })

  it('names only settings that the code knows', () => {
    const unknown = settingsNamedIn(read(page)).filter((name) => !isWord(name, code))
    expect(unknown).toStrictEqual([])
  })
})

describe('the documents together', () => {
  const all = PAGES.map(read).join('\n')

  it('describe every setting that the code reads', () => {
    expect(settingsRead()).toEqual(
      expect.arrayContaining(['COOKIE_KEY', 'ADMIN_BOOTSTRAP_TOKEN', 'TURNOUT_EDGE_PORT']),
    )
    expect(settingsRead().filter((name) => !isWord(name, all))).toStrictEqual([])
  })

  it('have in the tables of settings what each Worker reads, and nothing else', () => {
    const [, edge, controlPlane] = /\n## Settings\n([\s\S]*?)\nOf the control plane,([\s\S]*?)\n## /.exec(
      read('docs/architecture.md'),
    )!
    expect(settingsIn(edge!)).toEqual(fieldsOf('worker/env.ts').sort())
    expect(settingsIn(controlPlane!)).toEqual(fieldsOf('admin/env.ts').sort())
  })

  it('name every header that the edge reads or writes, but for what it keeps in its cache', () => {
    const sources = filesBelow('worker', /\.ts$/).map(read).join('\n')
    const names = new Set(
      Array.from(
        sources.matchAll(/'((?:x|access-control|cf|cdn|referrer|server|www)-[a-z-]*[a-z])'/g),
        ([, name]) => name!,
      ),
    )
    expect(names.size).toBeGreaterThan(15)
    expect([...names].filter((name) => !OF_THE_CACHE.includes(name) && !isWord(name, all))).toStrictEqual([])
  })

  it('have every section that a comment in the code cites', () => {
    const cited = [...SOURCES, ...filesBelow('test', /\.ts$/)].flatMap(citationsIn)
    expect(cited.length).toBeGreaterThan(5)
    expect(cited.flatMap(brokenCitation)).toStrictEqual([])
  })

  it('are all linked from the README', () => {
    const linked = linksOf('README.md').map((link) => link.split('#')[0])
    const pages = PAGES.filter((page) => page !== 'README.md' && !page.startsWith('docs/decisions/'))
    expect(pages.filter((page) => !linked.includes(page))).toStrictEqual([])
  })

  it('name of each package the version that is installed', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json'))
    const installed: Record<string, string> = { ...dependencies, ...devDependencies, ...optionalDependencies }
    const named = Object.entries(installed).flatMap(([name, version]) => {
      const given = new RegExp(`(?<![\\w/-])${name}\\x60?,? (\\d+(?:\\.\\d+){2}(?:-\\w+)?)`, 'gi')
      return Array.from(all.matchAll(given), ([text, found]) => ({ text, isInstalled: found === version }))
    })
    expect(named.length).toBeGreaterThan(15)
    expect(named.filter(({ isInstalled }) => !isInstalled).map(({ text }) => text)).toStrictEqual([])
  })

  it('hold one decision under each number, with that number in its title', () => {
    const decisions = PAGES.filter((page) => page.startsWith('docs/decisions/'))
    const numbers = decisions.map((page) => /\/(\d{4})-[a-z0-9-]+\.md$/.exec(page)?.[1])
    expect(new Set(numbers).size).toBe(decisions.length)
    expect(decisions.filter((page, at) => !read(page).startsWith(`# ${numbers[at]}: `))).toStrictEqual([])
  })
})

describe('the reader of pages', () => {
  it('makes anchors as GitHub does', () => {
    const page = '# One `two` (three)\n## 4. Order of evaluation\n## Why?\n## Why?\n```\n# no heading\n```\n'
    expect(anchorsIn(page)).toStrictEqual(['one-two-three', '4-order-of-evaluation', 'why', 'why-1'])
  })

  it('finds links outside of code, and only those that stay in the project', () => {
    const page = '[a](b.md#c) [`d`](../e) <https://f> [g](https://h) `[i](j)`\n```\n[k](l)\n```\n[m](#n)'
    expect(linksIn(page)).toStrictEqual(['b.md#c', '../e', '#n'])
  })

  it('finds files in code that begins with a folder of the project', () => {
    expect(filesNamedIn('`engine/a.ts` `b.ts` [`test/c`](d) `admin/*.ts` `/docs`')).toStrictEqual([
      'engine/a.ts',
      'test/c',
    ])
  })

  it('finds settings by their shape, and in the first column of a table of settings', () => {
    const page = 'set `COOKIE_KEY` by hand\n\n| setting | default |\n|---|---|\n| `LOCAL` | `OFF` |\n\n`GET`'
    expect(settingsNamedIn(page)).toStrictEqual(['COOKIE_KEY', 'LOCAL'])
  })
})

function filesBelow(folder: string, name: RegExp): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((file) => !file.includes('node_modules/') && !file.endsWith('package-lock.json'))
    .sort()
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

const withoutFences = (page: string): string => page.replace(/^```[\s\S]*?^```.*$/gm, '')

const linksOf = (page: string): string[] => linksIn(read(page))

function linksIn(page: string): string[] {
  // A link's text may be code; code that is not in a link's text holds no links.
  const text = withoutFences(page)
    .replace(/\[[^\]\n]*\]\(/g, '[](')
    .replace(/`[^`\n]*`/g, '')
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!).filter(
    (target) => !/^[a-z][a-z0-9+.-]*:/.test(target),
  )
}

function brokenLink(page: string, link: string): string[] {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : relative(root, resolve(root, dirname(page), path)).replaceAll('\\', '/')
  if (target.startsWith('..') || !existsSync(join(root, target))) return [`${link}: no such file`]
  if (anchor === undefined) return []
  if (!statSync(join(root, target)).isFile() || !anchorsIn(read(target)).includes(anchor))
    return [`${link}: no such heading`]
  return []
}

const headingsIn = (page: string): string[] =>
  Array.from(withoutFences(page).matchAll(/^#{1,6} +(.+?) *$/gm), ([, heading]) => heading!)

function anchorsIn(page: string): string[] {
  const seen = new Map<string, number>()
  return headingsIn(page).map((heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return times === 0 ? slug : `${slug}-${times}`
  })
}

const isWord = (name: string, text: string): boolean => new RegExp(`(?<!\\w)${name}(?!\\w)`).test(text)

/** Code in the text that is a path from a folder of the project on, without stars. */
function filesNamedIn(page: string): string[] {
  const folder = new RegExp(`^(?:${FOLDERS.join('|')}|test|docs)/`)
  const spans = Array.from(withoutFences(page).matchAll(/`([\w./-]+)`/g), ([, span]) => span!)
  return spans.filter((span) => folder.test(span))
}

/** Names in capitals with an underscore, and what a table of settings or variables lists. `AWS_…` are the AWS SDK's own. */
function settingsNamedIn(page: string): string[] {
  const names = Array.from(page.matchAll(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g), ([name]) => name)
  const tables = page.matchAll(/^\| (?:setting|variable) \|.*\n\|[-| ]+\n((?:\|.*\n?)+)/gm)
  for (const [, rows] of tables)
    for (const [, name] of rows!.matchAll(/^\| `([A-Z][A-Z0-9_]*)`/gm)) names.push(name!)
  return [...new Set(names)].filter((name) => !name.startsWith('AWS_'))
}

/** Settings and bindings of a Worker. */
function fieldsOf(file: string): string[] {
  const fields = /^export interface Env \{\n([\s\S]*?)^\}/m.exec(read(file))![1]!
  return Array.from(fields.matchAll(/^ {2}([A-Z_]+)\??:/gm), ([, name]) => name!)
}

/** Names in the first column of a table of settings, and in the sentence about bindings below it; one that comes twice is there twice. */
function settingsIn(section: string): string[] {
  const cells = Array.from(section.matchAll(/^\| (`[^|]+) \|/gm), ([, cell]) => cell!)
  const bindings = /^(?:.*\. )?Bindings: ([\s\S]*?)\n\n/m.exec(`${section}\n\n`)![1]!
  const names = [...cells, bindings].flatMap((text) =>
    Array.from(text.matchAll(/`([A-Z_]+)`/g), ([, name]) => name!),
  )
  return names.sort()
}

/** Headers that what the edge keeps has while it is kept, and nobody sees. */
const OF_THE_CACHE = ['x-turnout-kept', 'cf-cache-status']

/** Of the machine and of other tools: nobody sets them for Turnout. */
const NOT_OURS = new Set(['PATH', 'CI', 'NODE_ENV'])

/** Settings and bindings of both Workers, and the variables of the local run, the command line and the tools. */
function settingsRead(): string[] {
  const ofWorkers = ['worker/env.ts', 'admin/env.ts'].flatMap(fieldsOf)
  const ofPeople = Array.from(code.matchAll(/\bTURNOUT_[A-Z_]*[A-Z]\b/g), ([name]) => name)
  const tools = SOURCES.filter((file) => /^(?:local|cli|deploy|selfhost)\//.test(file))
  const ofTools = [...tools, 'test/helpers/aws/main.ts', 'test/helpers/chromium.ts'].flatMap((file) =>
    Array.from(read(file).matchAll(/\benv\??\.([A-Z][A-Z0-9_]+)/g), ([, name]) => name!),
  )
  return [...new Set([...ofWorkers, ...ofPeople, ...ofTools])].filter((name) => !NOT_OURS.has(name))
}

interface Citation {
  from: string
  page: string
  section: string | undefined
}

/** A page below docs/ with its ending, alone or followed by `, "Section"`; comments may break lines anywhere. */
function citationsIn(from: string): Citation[] {
  const text = read(from).replace(/\n\s*(?:\*|\/\/) ?/g, ' ')
  const found = text.matchAll(/(?<![\w/])(docs\/[\w/-]+\.md)(?:, "([^"\n]+)")?/g)
  return Array.from(found, ([, page, section]) => ({ from, page: page!, section }))
}

function brokenCitation({ from, page, section }: Citation): string[] {
  if (!PAGES.includes(page)) return [`${from} cites ${page}, which does not exist`]
  const headings = headingsIn(read(page)).map((heading) => heading.replace(/^\d+\. /, ''))
  return section === undefined || headings.includes(section)
    ? []
    : [`${from} cites ${page}, "${section}", which it does not have`]
}
