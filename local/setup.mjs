/**
 * Makes the checkout runnable on a machine that has only Node 20+ and git: installs the packages of package-lock.json when
 * node_modules does not match it, and finds the Node that runs the project's tools. Silent when there is nothing to do.
 * Plain JavaScript without dependencies, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Oldest Node that runs wrangler and TypeScript sources as they are. */
const TOOLS_NODE = [22, 18]
/** Oldest Node that can install the packages. */
const SETUP_NODE = [20, 0]

const platform = `${process.platform}-${process.arch}`

/**
 * Installs what is missing below `root` and returns the path of the Node to run the project with. Throws an `Error` whose
 * message is one sentence for the user.
 */
export function setup(root) {
  const modules = join(root, 'node_modules')
  const stampFile = join(modules, '.turnout-setup')
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const stamp = `${createHash('sha256').update(lockText).digest('hex')} ${platform}\n`
  if (read(stampFile) === stamp) return findNode(modules)

  alone(root, () => {
    if (!installed(modules, JSON.parse(lockText))) install(root)
  })
  const node = findNode(modules)
  const run = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (run.status !== 0)
    throw new Error(`${node} does not run here (${run.error?.message ?? run.stderr.trim()}); ${advice()}`)
  writeFileSync(stampFile, stamp)
  return node
}

const WAIT_MS = 200

/** Runs `work` while no other set-up of this checkout does: two would delete each other's packages. */
function alone(root, work) {
  const lockFile = join(root, '.setup.lock')
  let told = false
  for (;;) {
    try {
      // Linked into place whole: nobody ever reads a lock without its owner.
      writeFileSync(`${lockFile}.${process.pid}`, String(process.pid))
      linkSync(`${lockFile}.${process.pid}`, lockFile)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    } finally {
      rmSync(`${lockFile}.${process.pid}`, { force: true })
    }
    const owner = Number(read(lockFile))
    if (!isAlive(owner)) rmSync(lockFile, { force: true })
    else {
      if (!told) console.error(`turnout: process ${owner} is installing the packages; waiting for it`)
      told = true
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS)
    }
  }
  try {
    work()
  } finally {
    rmSync(lockFile, { force: true })
  }
}

function isAlive(pid) {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Whether npm's own record of node_modules names every package of the lockfile that this platform needs. */
function installed(modules, lock) {
  const record = read(join(modules, '.package-lock.json'))
  if (record === undefined) return false
  const present = JSON.parse(record).packages
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === '') return true
    const found = present[path]
    if (found === undefined) return wanted.optional === true && !isForThisPlatform(wanted)
    return found.version === wanted.version && found.integrity === wanted.integrity
  })
}

/** An optional package that names this platform must be there; one that names none, or a C library, may be left out. */
function isForThisPlatform({ os, cpu, libc }) {
  return libc === undefined && os?.includes(process.platform) === true && cpu?.includes(process.arch) === true
}

function install(root) {
  requireNode(process.versions.node, SETUP_NODE, 'to install its packages')
  console.error(
    'turnout: installing the packages of package-lock.json with npm ci (about 700 MB on disk, once)',
  )
  const flags = ['--no-audit', '--no-fund', '--include=dev', '--include=optional', '--loglevel=error']
  const run = spawnSync('npm', ['ci', ...flags], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: withoutProjectNode(root),
  })
  if (run.error) throw new Error(`npm could not be started (${run.error.message}); it comes with Node`)
  if (run.status !== 0)
    throw new Error(`npm ci failed (${run.signal ?? `exit code ${run.status}`}); its reason is above`)
}

/** npm must not run on the Node that it is about to delete. */
function withoutProjectNode(root) {
  const own = join(root, 'node_modules', '.bin')
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== own)
  return { ...process.env, PATH: path.join(delimiter) }
}

/** The project's own Node, else the one that runs this, if it is new enough. */
function findNode(modules) {
  const own = join(modules, '.bin', 'node')
  if (existsSync(own)) return realpathSync(own)
  requireNode(process.versions.node, TOOLS_NODE, 'to run its tools')
  return process.execPath
}

function requireNode(version, [major, minor], purpose) {
  const [ownMajor, ownMinor] = version.split('.').map(Number)
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return
  throw new Error(
    `Turnout needs Node ${major}.${minor} or newer ${purpose}, and this is Node ${version} on ${platform}; ${advice()}`,
  )
}

const advice = () => 'install Node 24 (https://nodejs.org/en/download) and run the command again'

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    setup(fileURLToPath(new URL('..', import.meta.url)))
  } catch (error) {
    console.error(`turnout: ${error.message}`)
    process.exitCode = 1
  }
}
