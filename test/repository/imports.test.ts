/**
 * Who may import whom, held by reading the import lines of every source file, and what the pure files may not call. The
 * table is the one of the design: a folder that is not in it may import anything.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Allowed {
  /** Folders of ours, itself included without saying. */
  folders: string[]
  /** Folders of which only `import type` is allowed. */
  types?: string[]
  /** Packages; `@scope/*` is any of a scope, `node:*` any module of Node. */
  packages: string[]
}

/** The longest folder that holds a file decides. */
const TABLE: Record<string, Allowed> = {
  engine: { folders: [], packages: [] },
  worker: { folders: ['engine'], packages: ['cloudflare:workers'] },
  sdk: {
    folders: ['engine'],
    packages: ['@openfeature/core', '@openfeature/server-sdk', '@openfeature/web-sdk', 'react'],
  },
  'sdk/node': { folders: ['engine', 'sdk'], packages: ['node:*'] },
  // It makes the published package.
  'sdk/publish': { folders: [], packages: ['node:*', 'esbuild'] },
  admin: {
    folders: ['engine'],
    packages: [
      'hono',
      'zod',
      '@hono/zod-openapi',
      'jose',
      '@aws-sdk/*',
      '@smithy/*',
      'cloudflare:workers',
      'node:crypto',
    ],
  },
  'admin/config': { folders: [], packages: [] },
  'admin/governance': { folders: ['engine'], packages: [] },
  'admin/backup': { folders: ['engine', 'admin/audit', 'admin/storage'], packages: ['node:crypto'] },
  'admin/storage/feature-flags': { folders: ['engine'], packages: [] },
  cli: {
    folders: ['engine', 'admin/backup', 'admin/storage/feature-flags'],
    types: ['admin/api'],
    packages: ['@aws-sdk/*', 'commander', 'openapi-fetch', 'node:*'],
  },
  // It makes the typed client from the control plane's own OpenAPI document.
  'cli/generate': { folders: ['admin', 'local'], packages: ['node:*'] },
  local: { folders: ['engine', 'admin/config'], packages: ['node:*', 'workerd', 'wrangler'] },
  selfhost: { folders: ['engine', 'local'], packages: ['node:*', 'commander'] },
  deploy: { folders: ['local'], packages: ['node:*', 'commander'] },
}

/** Folders whose code reads no clock, no randomness and no console. */
const PURE = ['engine', 'admin/config', 'admin/governance', 'admin/storage/feature-flags']

interface Import {
  from: string
  specifier: string
  typeOnly: boolean
}

const sources = Object.keys(TABLE)
  .filter((folder) => !folder.includes('/'))
  .flatMap((folder) => filesOf(folder))

describe.each(Object.keys(TABLE))('%s/', (folder) => {
  const files = sources.filter((file) => folderOf(file) === folder)

  it('imports only what the table allows', () => {
    const refused = files.flatMap((file) => importsOf(file).filter((each) => !isAllowed(each, folder)))
    expect(refused.map(({ from, specifier }) => `${from} imports ${specifier}`)).toStrictEqual([])
  })
})

describe.each(PURE)('the pure folder %s/', (folder) => {
  const files = sources.filter((file) => `${file}/`.startsWith(`${folder}/`))

  it.each([
    ['a clock', /\bDate\.now\b|\bnew Date\(\)|\bperformance\b/],
    ['randomness', /\bMath\.random\b|\bcrypto\b/],
    ['the console', /\bconsole\b/],
    ['code made at run time', /\bnew Function\b|\beval\(|\bFunction\(/],
    ['timers and the network', /\bsetTimeout\b|\bsetInterval\b|\bqueueMicrotask\b|\bfetch\(/],
    ['the global object', /\bglobalThis\b/],
  ])('uses no %s', (_, forbidden) => {
    expect(files.filter((file) => forbidden.test(codeOf(file)))).toStrictEqual([])
  })
})

describe('the reader of import lines', () => {
  it('sees every way of writing an import', () => {
    const text = `
import { a } from 'one'
import type { B } from "two"
import c, {
  d,
} from './three.ts'
export { e } from '../four.ts'
export * from 'five'
export type { F } from 'six'
import 'seven'
const g = await import('eight')
type H = import('nine').H
// import { no } from 'comment'
/** import { no } from 'comment' */
const text = 'from nowhere'
`
    expect(
      importsIn(text).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' (type)' : ''}`),
    ).toStrictEqual([
      'one',
      'two (type)',
      './three.ts',
      '../four.ts',
      'five',
      'six (type)',
      'seven',
      'eight',
      'nine',
    ])
  })

  it('finds the files of the engine', () => {
    expect(sources).toContain('engine/index.ts')
  })
})

function filesOf(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && /\.(?:[mc]?[jt]s|[jt]sx)$/.test(entry.name) && !entry.name.endsWith('.d.ts'),
    )
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((file) => !file.includes('node_modules/'))
}

/** The folder of the table that a file, or a folder's own path, belongs to. */
function folderOf(path: string): string | undefined {
  return Object.keys(TABLE)
    .filter((folder) => path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0]
}

function isAllowed({ from, specifier, typeOnly }: Import, folder: string): boolean {
  const { folders, types = [], packages } = TABLE[folder]!
  if (!specifier.startsWith('.')) return packages.some((name) => isOfPackage(specifier, name))
  const target = relative(root, resolve(root, dirname(from), specifier)).replaceAll('\\', '/')
  const within = (allowed: string) => target.startsWith(`${allowed}/`)
  if (within(folder)) return folderOf(target) === folder || typeOnly || isPart(folder, target)
  return folders.some(within) || (typeOnly && types.some(within))
}

/** `admin` may use its own pure parts. */
const isPart = (folder: string, target: string): boolean =>
  folder === 'admin' &&
  ['admin/config', 'admin/governance', 'admin/backup', 'admin/storage/feature-flags'].includes(
    folderOf(target)!,
  )

function isOfPackage(specifier: string, name: string): boolean {
  if (name.endsWith('*')) return specifier.startsWith(name.slice(0, -1))
  return specifier === name || specifier.startsWith(`${name}/`)
}

const importsOf = (file: string): Import[] =>
  importsIn(readFileSync(join(root, file), 'utf8')).map((each) => ({ ...each, from: file }))

/** Import and re-export statements, then `import(…)` wherever it stands; comments hold no imports. */
function importsIn(source: string): Omit<Import, 'from'>[] {
  const text = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(?<type>type\s+(?!from\b))?(?:[^'"`;()]*?\bfrom\s*)?(?<quote>['"])(?<specifier>[^'"]+)\k<quote>/gm,
  )
  const calls = text.matchAll(/\bimport\(\s*(['"])(?<specifier>[^'"]+)\1/g)
  return [...statements, ...calls].map(({ groups }) => ({
    specifier: groups!.specifier!,
    typeOnly: groups!.type !== undefined,
  }))
}

/** A file without types and comments. */
function codeOf(file: string): string {
  const loader = file.endsWith('x') ? 'tsx' : 'ts'
  return transformSync(readFileSync(join(root, file), 'utf8'), {
    loader,
    legalComments: 'none',
    minifyWhitespace: true,
  }).code
}
