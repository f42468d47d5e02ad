/**
 * `npm run bench:size`: what "start and read one boolean" weighs in a page and in a Worker, Turnout's clients beside others, all
 * bundled in the same run by the same bundler. `--check` fails where a goal is missed.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build, version } from 'esbuild'
import { installOnDemand } from '../local/on-demand.ts'
import { figure, finish, type Goal, table } from './report.ts'
import { PAGES, type Program, WORKERS } from './size/programs.ts'

const FOLDER = join(import.meta.dirname, 'size')

interface Size {
  readonly program: Program
  readonly minified: number
  readonly gzip: number
  readonly brotli: number
}

installOnDemand(FOLDER)
const pages = await Promise.all(PAGES.map((program) => sizeOf(program, ['module', 'browser'])))
const workers = await Promise.all(
  WORKERS.map((program) => sizeOf(program, ['module', 'workerd', 'worker', 'browser'])),
)
print()

async function sizeOf(program: Program, conditions: string[]): Promise<Size> {
  const { outputFiles } = await build({
    stdin: { contents: program.source, resolveDir: FOLDER, sourcefile: `${program.title}.ts` },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    mainFields: ['browser', 'module', 'main'],
    conditions,
    define: { 'process.env.NODE_ENV': '"production"' },
    external: ['node:*'],
    legalComments: 'none',
    logLevel: 'error',
  })
  const bytes = outputFiles[0]!.contents
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
  return {
    program,
    minified: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params }).length,
  }
}

function print(): void {
  console.log(`Bytes of "start and read one boolean", bundled and minified by esbuild ${version}
  gzip 9, brotli 11; Node's own modules stay outside; Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}
`)
  console.log(sizes('in a page', pages))
  console.log(`\n${sizes('in a Worker', workers)}`)
  finish([
    goal('lightest other client / remote client, in a page', pages, 2),
    goal('lightest other client / local client, in a Worker', workers, 1),
  ])
}

function sizes(where: string, of: readonly Size[]): string {
  return table([
    [where, 'version', 'minified', 'gzip', 'brotli'],
    ...of.map(({ program, minified, gzip, brotli }) => [
      program.title,
      program.packages.map(versionOf).join(', '),
      ...[minified, gzip, brotli].map(figure),
    ]),
  ])
}

/** By brotli; the first one is Turnout's. */
function goal(name: string, of: readonly Size[], atLeast: number): Goal {
  const others = of.filter(({ program }) => program.packages.length > 0).map(({ brotli }) => brotli)
  const ratio = Math.min(...others) / of[0]!.brotli
  return { name, ratio: { median: ratio, min: ratio, max: ratio }, atLeast }
}

function versionOf(name: string): string {
  const text = readFileSync(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
