/**
 * Makes the package that is published of this folder: modules for every platform, their types, and a package.json in which each
 * entry of `exports` names both. The engine's parts that are needed are inside; there are no dependencies.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What stays outside: peers of those who use them. */
const PEERS = ['@openfeature/*', 'react', 'react/*', 'node:*']

/** A source file, or one for each condition. */
type Entry = string | Readonly<Record<string, string>>

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, Entry>>
  readonly [field: string]: unknown
}

/** Makes it anew in a folder. */
export async function makePackage(folder: string): Promise<void> {
  const {
    private: _,
    exports,
    ...manifest
  } = JSON.parse(readFileSync(join(root, 'sdk/package.json'), 'utf8')) as Manifest
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const sources = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? entry : Object.values(entry),
  )
  await build({
    absWorkingDir: join(root, 'sdk'),
    entryPoints: [...new Set(sources)],
    outbase: '.',
    outdir: join(folder, 'sdk'),
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2024',
    external: PEERS,
    chunkNames: 'parts/[name]-[hash]',
    logLevel: 'silent',
  })
  // Into the folder itself, which nobody else writes: several packages may be made at the same time.
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', 'sdk/publish/types.json', '--outDir', folder], { cwd: root })
  for (const file of ['LICENSE', 'docs/sdk.md'])
    cpSync(join(root, file), join(folder, file === 'LICENSE' ? file : 'README.md'))
  const addresses = Object.entries(exports).map(([name, entry]) => [name, published(entry)])
  const all = { ...manifest, exports: Object.fromEntries(addresses) }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(all, null, 2)}\n`)
}

/** Names the module and the types of an entry, under each of its conditions. */
const published = (entry: Entry): object => {
  if (typeof entry !== 'string')
    return Object.fromEntries(Object.entries(entry).map(([condition, of]) => [condition, published(of)]))
  const path = `./${join('sdk', entry).replace(/\.tsx?$/, '')}`
  return { types: `${path}.d.ts`, default: `${path}.js` }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(root, 'dist/package')
  await makePackage(folder)
  console.log(`turnout: the package is in ${folder}; publish it with: npm publish --provenance ${folder}`)
}
