import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const SETUP = fileURLToPath(new URL('../../local/setup.mjs', import.meta.url))
const OWN_NODE = `node-${process.platform}-${process.arch}`

interface Checkout {
  root: string
  /** Runs setup.mjs as a script. */
  setup(env?: Record<string, string>, nodeVersion?: string): { code: number | null; said: string }
  /** How often the stand-in for npm was called, and with what. */
  npmCalls(): string[]
  lock(packages: Record<string, unknown>): void
}

const PACKAGES = {
  '': { name: 'project' },
  'node_modules/hono': { version: '4.0.0', integrity: 'sha512-hono' },
  'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['plan9'], cpu: ['mips'] },
  [`node_modules/${OWN_NODE}`]: {
    version: '24.0.0',
    optional: true,
    os: [process.platform],
    cpu: [process.arch],
  },
}

/** A checkout with a stand-in for npm, which installs what the lockfile says as npm would record it. */
function checkout(node = '#!/bin/sh\necho v24.0.0\n', npm = ''): Checkout {
  const root = temporaryFolder()
  const bin = join(root, 'bin')
  mkdirSync(bin)
  mkdirSync(join(root, 'local'))
  cpSync(SETUP, join(root, 'local', 'setup.mjs'))
  const installer = `
    const { mkdirSync, writeFileSync, readFileSync, rmSync, appendFileSync } = require('node:fs')
    appendFileSync('npm-calls', process.argv.slice(2).join(' ') + ' PATH=' + process.env.PATH + '\\n')
    ${npm}
    rmSync('node_modules', { recursive: true, force: true })
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
    delete packages['']
    delete packages['node_modules/elsewhere']
    mkdirSync('node_modules/.bin', { recursive: true })
    for (const path of Object.keys(packages)) {
      mkdirSync(path, { recursive: true })
      writeFileSync(path + '/package.json', '{}')
    }
    writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }))
    if (${JSON.stringify(node)}) writeFileSync('node_modules/.bin/node', ${JSON.stringify(node)}, { mode: 0o755 })`
  writeFileSync(join(bin, 'npm.cjs'), installer)
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\nexec '${process.execPath}' '${join(bin, 'npm.cjs')}' "$@"\n`)
  chmodSync(join(bin, 'npm'), 0o755)
  const lock = (packages: Record<string, unknown>) =>
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }))
  lock(PACKAGES)
  return {
    root,
    lock,
    setup(env = {}, nodeVersion = process.versions.node) {
      const script = join(root, 'local', 'setup.mjs')
      const versions = `Object.defineProperty(process, 'versions', { value: { node: '${nodeVersion}' } })`
      const run = spawnSync(process.execPath, ['--import', `data:text/javascript,${versions}`, script], {
        encoding: 'utf8',
        env: { PATH: `${bin}:/usr/bin:/bin`, ...env },
      })
      return { code: run.status, said: run.stdout + run.stderr }
    },
    npmCalls() {
      const file = join(root, 'npm-calls')
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
    },
  }
}

describe('setup', () => {
  test('installs in a fresh checkout, saying so in one line', () => {
    const project = checkout()
    const { code, said } = project.setup()
    expect(code).toBe(0)
    expect(said).toMatch(/^turnout: installing the packages of package-lock.json with npm ci.*\n$/)
    expect(project.npmCalls()).toEqual([
      expect.stringMatching(/^ci --no-audit --no-fund .*--include=optional/),
    ])
  })

  test('four at once install once: the others wait for the first, which takes over from one that was killed', async () => {
    const project = checkout(undefined, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)')
    writeFileSync(join(project.root, '.setup.lock'), '999999999')
    const env = { PATH: `${join(project.root, 'bin')}:/usr/bin:/bin` }
    const run = () =>
      new Promise<number | null>((resolve) => {
        spawn(process.execPath, [join(project.root, 'local', 'setup.mjs')], { env, stdio: 'ignore' }).on(
          'exit',
          resolve,
        )
      })
    expect(await Promise.all([run(), run(), run(), run()])).toEqual([0, 0, 0, 0])
    expect(project.npmCalls()).toHaveLength(1)
    expect(existsSync(join(project.root, '.setup.lock'))).toBe(false)
  })

  test('does nothing and says nothing the second time', () => {
    const project = checkout()
    project.setup()
    expect(project.setup()).toEqual({ code: 0, said: '' })
    expect(project.npmCalls()).toHaveLength(1)
  })

  test('installs again when the lockfile names another version', () => {
    const project = checkout()
    project.setup()
    project.lock({ ...PACKAGES, 'node_modules/hono': { version: '4.0.1', integrity: 'sha512-newer' } })
    expect(project.setup().said).toContain('installing')
    expect(project.npmCalls()).toHaveLength(2)
  })

  test('accepts what somebody installed by hand', () => {
    const project = checkout()
    spawnSync(join(project.root, 'bin', 'npm'), ['ci'], { cwd: project.root })
    expect(project.setup()).toEqual({ code: 0, said: '' })
    expect(project.npmCalls()).toHaveLength(1)
  })

  test('installs where the package of this platform is missing', () => {
    const project = checkout()
    project.setup()
    const record = join(project.root, 'node_modules', '.package-lock.json')
    const { packages } = JSON.parse(readFileSync(record, 'utf8'))
    delete packages[`node_modules/${OWN_NODE}`]
    writeFileSync(record, JSON.stringify({ packages }))
    rmSync(join(project.root, 'node_modules', '.turnout-setup'))
    project.setup()
    expect(project.npmCalls()).toHaveLength(2)
  })

  test('keeps npm off the Node that it is about to delete', () => {
    const project = checkout()
    const own = join(project.root, 'node_modules', '.bin')
    project.setup({ PATH: `${own}:${join(project.root, 'bin')}:/usr/bin:/bin` })
    expect(project.npmCalls()[0]).not.toContain(own)
  })

  test('a failed installation is one sentence and is tried again', () => {
    const project = checkout(undefined, 'process.exit(7)')
    expect(project.setup()).toEqual({
      code: 1,
      said: expect.stringContaining('turnout: npm ci failed (exit code 7); its reason is above'),
    })
    project.setup()
    expect(project.npmCalls()).toHaveLength(2)
  })

  test('a Node of the project that does not run here gives way to the one at hand', () => {
    const project = checkout('#!/bin/sh\necho wrong libc >&2; exit 127\n')
    expect(project.setup().code).toBe(0)
    expect(project.setup()).toEqual({ code: 0, said: '' })
  })

  test('a Node of the project that does not run here is named where the one at hand is too old', () => {
    const { code, said } = checkout('#!/bin/sh\necho wrong libc >&2; exit 127\n').setup({}, '20.0.0')
    expect(code).toBe(1)
    expect(said).toMatch(
      /node does not run here \(wrong libc\); delete node_modules if it is damaged, or install Node 24/,
    )
  })

  test('a Node of the project that says nothing is not taken for one', () => {
    expect(checkout('#!/bin/sh\n').setup({}, '20.0.0').said).toMatch(/does not run here \(it says nothing\)/)
  })

  test('a package that was deleted since is installed again', () => {
    const project = checkout()
    project.setup()
    rmSync(join(project.root, 'node_modules', 'hono'), { recursive: true })
    expect(project.setup().code).toBe(0)
    expect(project.npmCalls()).toHaveLength(2)
    expect(project.setup()).toEqual({ code: 0, said: '' })
  })

  test('npm gets a cache of its own for as long as it runs where its own cannot be written', () => {
    const project = checkout()
    // A file has no room for folders, not even for root.
    const home = join(project.root, 'package-lock.json')
    expect(project.setup({ npm_config_cache: join(home, '.npm'), TMPDIR: project.root }).code).toBe(0)
    const [, cache] = /--cache (\S+)/.exec(project.npmCalls()[0]!) ?? []
    expect(cache).toMatch(/turnout-npm-/)
    expect(existsSync(cache!)).toBe(false)
  })

  test('a platform without a Node of the project uses the one at hand', () => {
    expect(checkout('').setup().code).toBe(0)
  })
})
