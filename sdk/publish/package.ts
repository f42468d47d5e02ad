/**
 * Makes the package that is published of this folder: modules for every platform, their types, and a package.json in which each
 * entry of `exports` names both. The engine's parts that are needed are inside; there are no dependencies.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What stays outside: peers of those who use them. */
const PEERS = ['@openfeature/*', 'react', 'react/*', 'node:*']

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
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
  const sources = Object.values(exports).map((path) => join(root, 'sdk', path))
  await build({
    entryPoints: sources,
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
  const published = { ...manifest, exports: Object.fromEntries(Object.entries(exports).map(entry)) }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
}

const entry = ([name, source]: [string, string]) => {
  const path = `./sdk/${basename(source).replace(/\.tsx?$/, '')}`
  return [name, { types: `${path}.d.ts`, default: `${path}.js` }] as const
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = join(root, 'dist/package')
  await makePackage(folder)
  console.log(`turnout: the package is in ${folder}; publish it with: npm publish --provenance ${folder}`)
}
