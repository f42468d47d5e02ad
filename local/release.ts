/** What is built from this checkout, for those who look at a running Worker later. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Release {
  readonly version: string
  /** Short name of the commit; `null` outside of git. */
  readonly commit: string | null
  /** There are changes that no commit holds. */
  readonly dirty: boolean
}

/** The project's version, and the commit where there is one. */
export function releaseOf(root: string): Release {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const commit = git(root, 'rev-parse', '--short', 'HEAD')
  return { version, commit, dirty: commit !== null && git(root, 'status', '--porcelain') !== '' }
}

/** `0.1.0+a2a06c2`, and `.dirty` where there are changes. */
export const tagOf = ({ version, commit, dirty }: Release): string =>
  `${version}${commit === null ? '' : `+${commit}`}${dirty ? '.dirty' : ''}`

/** `null`: there is no git, or no repository. */
function git(root: string, ...args: string[]): string | null {
  const ran = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return ran.status === 0 ? ran.stdout.trim() : null
}
