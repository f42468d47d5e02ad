/** Which control plane, and the token that it wants. The token of a local run is only ever sent to this machine. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Variables } from './command.ts'
import { Failure, UsageError } from './failure.ts'

export interface Connection {
  /** Without a slash at the end. */
  readonly url: string
  readonly token: string
}

export const DEFAULT_URL = 'http://127.0.0.1:8788'

/** Address from `--url`, else TURNOUT_URL, else the local run's. Throws `UsageError`. */
export function controlPlaneUrl(option: string | undefined, env: Variables): string {
  const [name, text] =
    option === undefined ? ['TURNOUT_URL', env.TURNOUT_URL || DEFAULT_URL] : ['--url', option]
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`${name} must be an http or https address, got ${JSON.stringify(text)}`)
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`${name} must not hold credentials; the token goes into --token`)
  if (url.search !== '' || url.hash !== '') throw new UsageError(`${name} must have no query and no fragment`)
  return url.href.replace(/\/+$/, '')
}

/** Token from `--token`, else TURNOUT_ADMIN_TOKEN, else the one that the local run keeps. Throws `Failure`. */
export function adminToken(option: string | undefined, url: string, env: Variables, root: string): string {
  const token = option ?? (env.TURNOUT_ADMIN_TOKEN || (isLoopback(url) ? localToken(env, root) : null))
  if (token === null) {
    const also = isLoopback(url) ? ', or start Turnout here with npm start' : ''
    throw new Failure(`there is no admin token for ${url}: give --token or set TURNOUT_ADMIN_TOKEN${also}`)
  }
  // Said here, because fetch would name the whole header in its complaint.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new Failure('the admin token must be printable ASCII without spaces, as it travels in a header')
  return token
}

/** As local/state.ts keeps it. */
function localToken(env: Variables, root: string): string | null {
  const file = join(resolve(root, env.TURNOUT_STATE_DIR || '.turnout'), 'admin-token')
  try {
    return readFileSync(file, 'utf8').trim() || null
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new Failure(`the token of the local run cannot be read: ${message}`, [], { cause: error })
  }
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}
