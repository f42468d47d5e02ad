/**
 * The Chromium that tests of pages run in. As a command (`node test/helpers/chromium.ts`, part of `npm test`) it installs the
 * distribution's own where there is none and that takes no password; elsewhere those tests are skipped, and in CI that is a failure.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The one that `CHROMIUM` names, else where distributions put it; `null`: there is none. */
export const findChromium = (): string | null =>
  [process.env.CHROMIUM, ...PLACES].find((path) => path && existsSync(path)) ?? null

if (process.argv[1] === fileURLToPath(import.meta.url) && findChromium() === null) {
  if (process.getuid?.() === 0 && run('apt-get', '--version')) {
    console.error(
      "turnout: installing the distribution's Chromium for the tests of pages (about 400 MB, once)",
    )
    // The lists may be there and good even if they cannot be brought up to date.
    run('apt-get', '-q', 'update')
    run('apt-get', '-q', '-y', '--no-install-recommends', 'install', 'chromium')
  }
  if (findChromium() === null) {
    const how = 'install it, or name one in CHROMIUM'
    console.error(`turnout: there is no Chromium, so that pages cannot be tested; ${how}`)
    if (process.env.CI) process.exitCode = 1
  }
}

/** What it says goes to standard error; nobody is asked anything. */
function run(command: string, ...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const quiet = args[0] === '--version'
  const { status } = spawnSync(command, args, {
    env,
    stdio: ['ignore', quiet ? 'ignore' : 2, quiet ? 'ignore' : 2],
  })
  return status === 0
}
