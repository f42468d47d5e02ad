/**
 * Builds the two Workers with wrangler's bundler, each only when something it is made of has changed. A bundle appears
 * whole under its name, so that builds may run at the same time, and nothing is left running of one that ended in any way. The control
 * plane's assets are copied with them. `node local/build.ts` builds both.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { copyAssets } from './assets.ts'
import { endGroup, guard } from './process-group.ts'
import { readIfThere } from './read-file.ts'
import { reason, StartError } from './start-error.ts'

export const PROJECT_ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A Worker: its wrangler configuration, and everything that its bundle depends on. Paths from the project's root. */
interface Source {
  readonly name: 'edge' | 'admin'
  readonly config: string
  readonly inputs: readonly string[]
}

const SHARED = ['engine', 'package-lock.json', 'tsconfig.base.json', 'local/build.ts']
const EDGE: Source = { name: 'edge', config: 'wrangler.toml', inputs: ['wrangler.toml', 'worker', ...SHARED] }
const ADMIN: Source = { name: 'admin', config: 'admin/wrangler.toml', inputs: ['admin', ...SHARED] }

export interface Built {
  /** Absolute path of the bundle, one ES module. */
  readonly file: string
  /** The Worker's own, from its wrangler.toml. */
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
}

/** Both bundles. `report` is told what is being built, if anything is. Throws `StartError` with the bundler's output. */
export async function build(
  report: (line: string) => void,
  signal?: AbortSignal,
): Promise<{ edge: Built; admin: Built }> {
  inDist(copyAssets)
  const failing = new AbortController()
  const stopping = AbortSignal.any([failing.signal, ...(signal === undefined ? [] : [signal])])
  const builds = [EDGE, ADMIN].map((source) => buildOne(source, report, stopping))
  try {
    const [edge, admin] = await Promise.all(builds)
    return { edge: edge!, admin: admin! }
  } catch (error) {
    failing.abort(error)
    await Promise.allSettled(builds)
    throw error
  }
}

async function buildOne(
  source: Source,
  report: (line: string) => void,
  stopping: AbortSignal,
): Promise<Built> {
  const folder = join(PROJECT_ROOT, 'dist', source.name)
  const file = join(folder, 'index.js')
  const stampFile = join(folder, 'index.js.sources')
  const built = { file, ...compatibility(source.config) }
  const stamp = hashOf(source.inputs)
  if (stamp === readIfThere(stampFile) && readIfThere(file) !== undefined) return built

  report(`building ${source.name}`)
  const work = join(PROJECT_ROOT, 'dist', `.${source.name}-${process.pid}`)
  inDist(() => mkdirSync(work, { recursive: true }))
  try {
    await bundle(source, work, stopping)
    mkdirSync(folder, { recursive: true })
    rmSync(stampFile, { force: true })
    renameSync(join(work, 'index.js'), file)
    writeFileSync(stampFile, stamp)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return built
}

function inDist(write: () => unknown): void {
  try {
    write()
  } catch (error) {
    throw new StartError(
      `${join(PROJECT_ROOT, 'dist')}, where the Workers are built, cannot be written: ${reason(error)}`,
    )
  }
}

/** Keeps wrangler from asking anybody about anything, and what it writes in the project: a home may be read-only. */
export const OFFLINE = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_LOG_PATH: join(PROJECT_ROOT, '.wrangler', 'logs'),
  XDG_CONFIG_HOME: join(PROJECT_ROOT, '.wrangler', 'config'),
}

function bundle(source: Source, outdir: string, stopping: AbortSignal): Promise<void> {
  const wrangler = join(PROJECT_ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
  const args = [wrangler, 'deploy', '--dry-run', '--minify', '--config', join(PROJECT_ROOT, source.config)]
  return new Promise((done, fail) => {
    // Its own process group: wrangler and esbuild are processes of their own, and wait for each other for ever if one is killed.
    const child = spawn(process.execPath, [...args, '--outdir', outdir], {
      cwd: PROJECT_ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...OFFLINE },
      detached: true,
    })
    const release = child.pid === undefined ? () => {} : guard(child.pid)
    const end = () => endGroup(child.pid)
    stopping.addEventListener('abort', end, { once: true })
    if (stopping.aborted) end()
    let output = ''
    const collect = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => fail(new StartError(`building ${source.name} failed: ${reason(error)}`)))
    child.on('exit', end)
    child.on('close', (code) => {
      stopping.removeEventListener('abort', end)
      release()
      if (code === 0) done()
      else if (stopping.aborted) fail(stopping.reason)
      else fail(new StartError(failure(source.name, output)))
    })
  })
}

/** wrangler colours what it says, wherever that goes. */
function failure(name: string, output: string): string {
  const said = process.stderr.isTTY ? output : stripVTControlCharacters(output)
  const advice = 'If that names no source file of the project, delete node_modules and run the command again.'
  return `building ${name} failed:\n${said.trim()}\n${advice}`
}

/** The two settings that decide how the runtime behaves. Each stands on one line of its own. */
function compatibility(config: string): Pick<Built, 'compatibilityDate' | 'compatibilityFlags'> {
  const toml = readFileSync(join(PROJECT_ROOT, config), 'utf8')
  const setting = (name: string) => new RegExp(`^${name}\\s*=\\s*(\\S.*)$`, 'm').exec(toml)?.[1] ?? ''
  const strings = (text: string) => Array.from(text.matchAll(/"([^"]*)"/g), ([, value]) => value!)
  const [compatibilityDate] = strings(setting('compatibility_date'))
  if (compatibilityDate === undefined) throw new StartError(`${config} has no compatibility_date`)
  return { compatibilityDate, compatibilityFlags: strings(setting('compatibility_flags')) }
}

/** Hash of the names and contents of every file below the given paths. */
function hashOf(inputs: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of inputs.flatMap((input) => filesBelow(join(PROJECT_ROOT, input))).sort())
    hash
      .update(`${relative(PROJECT_ROOT, file)}\0`)
      .update(readFileSync(file))
      .update('\0')
  return hash.digest('hex')
}

/** Never looks into the folders where tools work, whose files come and go meanwhile. */
function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== '.wrangler')
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : join(path, entry.name)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build((line) => console.error(`turnout: ${line}`))
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    console.error(`turnout: ${error.message}`)
    process.exitCode = 1
  }
}
