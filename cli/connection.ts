/**
 * Which control plane, the token that it wants, and the environment. A token is only ever sent to the address that it was
 * stored for, and that of a local run to this machine alone.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Context, type Contexts, readContexts } from './contexts.ts'
import { Failure, UsageError } from './failure.ts'
import { list } from './words.ts'
import type { Variables, World } from './world.ts'

export interface Connection {
  /** Without a slash at the end. */
  readonly url: string
  readonly token: string
  /** Where the token came from, as people name it. */
  readonly tokenFrom: string
}

/** Where a command goes, before any token is looked for. */
export interface Place {
  readonly url: string
  /** What is stored for that address. */
  readonly context: Context | null
  /** Name of the context, if it was asked for by name. */
  readonly named: string | null
}

type Asked = Pick<World, 'common' | 'env' | 'configHome' | 'root'>

/** The control plane: `--url`, `--context`, TURNOUT_URL, the current context, the local run, in that order. */
export function placeOf({ common, env, configHome, root }: Asked): Place {
  if (common.url !== undefined && common.context !== undefined)
    throw new UsageError('--context names a control plane already: leave out --url')
  const stored = readContexts(configHome)
  if (common.url !== undefined) return placeAt(addressOf('--url', common.url), stored)
  if (common.context !== undefined) {
    const { context, named } = contextNamed(common.context, stored)
    return { url: context.url, context, named }
  }
  if (env.TURNOUT_URL) return placeAt(addressOf('TURNOUT_URL', env.TURNOUT_URL), stored)
  const current = stored.current === null ? undefined : stored.contexts[stored.current]
  return current === undefined
    ? placeAt(localAddress(env, root), stored)
    : { url: current.url, context: current, named: null }
}

/** The place with its token: `--token`, that of a context named, TURNOUT_ADMIN_TOKEN, one stored, the local run's. */
export function connectionOf(asked: Asked): Connection {
  const { url, context, named } = placeOf(asked)
  const { common, env, root } = asked
  const found =
    from('--token', common.token) ??
    (named === null ? null : from(`context ${JSON.stringify(named)}`, context?.token)) ??
    from('TURNOUT_ADMIN_TOKEN', env.TURNOUT_ADMIN_TOKEN) ??
    from('turnout login', context?.token) ??
    (isLoopback(url) ? localToken(env, root) : null)
  if (found === null) {
    const also = isLoopback(url) ? ', or start Turnout here with npm start' : ''
    throw new Failure(
      `there is no admin token for ${url}: run turnout login --url ${url}, or set TURNOUT_ADMIN_TOKEN${also}`,
    )
  }
  return { url, token: usable(found.token), tokenFrom: found.tokenFrom }
}

/** The environment: `--env`, TURNOUT_ENV, the one given at login, in that order. */
export function environmentOf(asked: Asked): string {
  const name = environmentIfAny(asked)
  if (name === undefined)
    throw new UsageError('--env is missing; TURNOUT_ENV and turnout login --env set it for all commands')
  return name
}

/** The same where none need be meant. */
export const environmentIfAny = (asked: Asked): string | undefined =>
  asked.common.env ?? (asked.env.TURNOUT_ENV || placeOf(asked).context?.environment)

/** A token that a header can hold. Said here, because fetch would name the whole header in its complaint. */
export function usable(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new Failure('the admin token must be printable ASCII without spaces, as it travels in a header')
}

/** An address as it was given; `name` is for complaints. Without a slash at the end. */
export function addressOf(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`${name} must be an http or https address, got ${JSON.stringify(text)}`)
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`${name} must not hold credentials; turnout login takes the token`)
  if (url.search !== '' || url.hash !== '') throw new UsageError(`${name} must have no query and no fragment`)
  return url.href.replace(/\/+$/, '')
}

export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

export function contextNamed(name: string, { contexts }: Contexts): { context: Context; named: string } {
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined
  if (context !== undefined) return { context, named: name }
  const names = Object.keys(contexts).map((each) => JSON.stringify(each))
  const hint =
    names.length === 0 ? 'none is logged in to; turnout login --url URL does that' : `there is ${list(names)}`
  throw new Failure(`there is no context ${JSON.stringify(name)}: ${hint}`)
}

/** The current context comes first, should two be at the same address. */
function placeAt(url: string, { current, contexts }: Contexts): Place {
  const at = Object.entries(contexts).filter(([, context]) => context.url === url)
  const [, context] = at.find(([name]) => name === current) ?? at[0] ?? [null, null]
  return { url, context, named: null }
}

const from = (tokenFrom: string, token: string | undefined) => (token ? { tokenFrom, token } : null)

const DEFAULT_PORT = '8788'

/** Where the local run listens: on TURNOUT_ADMIN_PORT, else where the run on the state folder says, else where it would. */
function localAddress(env: Variables, root: string): string {
  const port = env.TURNOUT_ADMIN_PORT || '0'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError(`TURNOUT_ADMIN_PORT must be a port, 0 to 65535, got ${JSON.stringify(port)}`)
  if (Number(port) > 0) return `http://127.0.0.1:${Number(port)}`
  const { text } = stateFile(env, root, 'admin-url', 'address')
  return text ? addressOf('the address of the local run', text) : `http://127.0.0.1:${DEFAULT_PORT}`
}

function localToken(env: Variables, root: string) {
  const { file, text } = stateFile(env, root, 'admin-token', 'token')
  return from(file, text)
}

/** As local/state.ts keeps it; no text if it is not there. */
function stateFile(env: Variables, root: string, name: string, what: string) {
  const file = join(resolve(root, env.TURNOUT_STATE_DIR || '.turnout'), name)
  try {
    return { file, text: readFileSync(file, 'utf8').trim() }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { file, text: undefined }
    throw new Failure(`the ${what} of the local run cannot be read: ${message}`, [], { cause: error })
  }
}
