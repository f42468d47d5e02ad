/**
 * What Turnout is compared with and loaded by: packages of bench/package.json, kept out of the project's own install and
 * installed here when a benchmark first needs them.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const FOLDER = import.meta.dirname
const STAMP = join(FOLDER, 'node_modules', '.turnout-bench')

/** Installs what bench/package-lock.json names, unless it is there. Throws with npm's own words. */
export function installPeers(): void {
  const stamp = createHash('sha256')
    .update(readFileSync(join(FOLDER, 'package-lock.json')))
    .digest('hex')
  if (read(STAMP) === stamp) return
  console.error('turnout: installing the packages of bench/package-lock.json with npm ci (25 MB, once)')
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const run = spawnSync('npm', ['ci', ...flags], {
    cwd: FOLDER,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (run.status !== 0)
    throw new Error(`npm ci in bench/ failed: ${run.error?.message ?? `${run.stdout}${run.stderr}`.trim()}`)
  writeFileSync(STAMP, stamp)
}

/** A package by name, without types: the project's type check runs without these packages. */
export const peer = <T>(name: string): T => createRequire(import.meta.url)(name)

/** The version that is installed. */
export const peerVersion = (name: string): string =>
  (
    JSON.parse(readFileSync(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8')) as {
      version: string
    }
  ).version

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
