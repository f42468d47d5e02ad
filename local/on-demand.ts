/**
 * Packages of a folder with a package.json of its own, kept out of the project's install: installed when something first
 * needs them.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readIfThere } from './read-file.ts'

/** Installs what the folder's package-lock.json names, unless it is there. Throws with npm's own words. */
export function installOnDemand(folder: string): void {
  const stampFile = join(folder, 'node_modules', '.turnout-on-demand')
  const stamp = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  if (readIfThere(stampFile) === stamp) return
  const name = basename(folder)
  console.error(`turnout: installing the packages of ${name}/package-lock.json with npm ci, once`)
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const run = spawnSync('npm', ['ci', ...flags], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (run.status !== 0)
    throw new Error(`npm ci in ${name}/ failed: ${run.error?.message ?? `${run.stdout}${run.stderr}`.trim()}`)
  writeFileSync(stampFile, stamp)
}
