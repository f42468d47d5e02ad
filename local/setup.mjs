/**
 * Makes the checkout runnable on a machine that has only Node 20+ and git: installs the packages of package-lock.json when
 * node_modules does not match it, and finds the Node that runs the project's tools. Silent when there is nothing to do.
 * Plain JavaScript without dependencies, because it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
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
  const lock = JSON.parse(lockText)
  const sum = createHash('sha256').update(lockText).digest('hex')
  const stampFor = (node) => `${sum} ${platform} ${relative(root, node)}\n`
  const stamp = read(stampFile)
  const known = nodes(modules).find((node) => stampFor(node) === stamp)
  if (known !== undefined && installed(root, lock)) return known

  if (isWritable(root)) alone(root, () => installed(root, lock) || install(root))
  else if (!installed(root, lock))
    throw new Error(
      `the packages of Turnout cannot be installed, because ${root} cannot be written by this user; make the folder yours, or copy it`,
    )
  const node = findNode(modules)
  // Packages that somebody else has installed are looked at again each time.
  if (isWritable(modules)) writeFileSync(stampFile, stampFor(node))
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
    const judged = read(lockFile)
    if (judged === undefined) continue // it was given back meanwhile
    const owner = Number(judged)
    if (!isAlive(owner)) removeLock(lockFile, judged)
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

/** Removes the lock that was judged, and no other: of two that found the same dead owner, one may have put its own there since. */
function removeLock(lockFile, judged) {
  const aside = `${lockFile}.${process.pid}`
  try {
    renameSync(lockFile, aside)
    if (read(aside) !== judged) linkSync(aside, lockFile)
  } catch (error) {
    // Somebody else has removed it, or has taken the place already.
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error
  } finally {
    rmSync(aside, { force: true })
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

/** Whether node_modules holds every package of the lockfile that this platform needs, as npm has recorded it. */
function installed(root, lock) {
  const record = read(join(root, 'node_modules', '.package-lock.json'))
  if (record === undefined || !existsSync(join(root, 'node_modules', '.bin'))) return false
  const present = JSON.parse(record).packages
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === '') return true
    const found = present[path]
    if (found === undefined) return wanted.optional === true && !isForThisPlatform(wanted)
    const isTheSame = found.version === wanted.version && found.integrity === wanted.integrity
    return isTheSame && existsSync(join(root, path, 'package.json'))
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
  const cache = replacementForCache()
  const run = spawnSync('npm', ['ci', ...flags, ...(cache === null ? [] : ['--cache', cache])], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: withoutProjectNode(root),
  })
  if (cache !== null) rmSync(cache, { recursive: true, force: true })
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

/** npm installs nothing where its cache cannot be written, as below the home of a service account: `null` where it can. */
function replacementForCache() {
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm')
  return isWritable(cache) ? null : mkdtempSync(join(tmpdir(), 'turnout-npm-'))
}

/** Whether this user may write there, or make it where it does not exist. */
function isWritable(path) {
  if (!existsSync(path) && dirname(path) !== path) return isWritable(dirname(path))
  try {
    accessSync(path, constants.W_OK)
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** The project's own Node where it has one, and the one that runs this. */
function nodes(modules) {
  const own = join(modules, '.bin', 'node')
  return existsSync(own) ? [realpathSync(own), process.execPath] : [process.execPath]
}

/** The project's own Node if it runs here, else the one that runs this, if it is new enough. */
function findNode(modules) {
  const [own, other] = nodes(modules)
  if (other === undefined) {
    requireNode(process.versions.node, TOOLS_NODE, 'to run its tools')
    return own
  }
  const run = spawnSync(own, ['--version'], { encoding: 'utf8' })
  if (run.status === 0 && run.stdout.startsWith('v')) return own
  if (isAtLeast(process.versions.node, TOOLS_NODE)) return other
  const why = run.error?.message ?? (run.stderr.trim() || (run.signal ?? 'it says nothing'))
  throw new Error(`${own} does not run here (${why}); delete node_modules if it is damaged, or ${advice()}`)
}

function isAtLeast(version, [major, minor]) {
  const [ownMajor, ownMinor] = version.split('.').map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}

function requireNode(version, [major, minor], purpose) {
  if (isAtLeast(version, [major, minor])) return
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
