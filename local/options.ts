/** The environment variables of a local run, checked. Nothing else in local/ reads them. */
import { resolve } from 'node:path'
import { StartError } from './start-error.ts'
import { STORE, STORE_SECRETS, storeProblem } from './worker-settings.ts'

export interface Options {
  /** Port of the edge; 0 lets the system choose. */
  readonly edgePort: number
  /** Port of the control plane; 0 lets the system choose. */
  readonly adminPort: number
  /** Preferred ports of the demo origins; another free one is taken where these are in use. */
  readonly originPorts: OriginPorts
  /** Absolute path of the folder that keeps everything between runs. */
  readonly stateDir: string
  /** The admin token to use; `null`: the one kept in the state folder. */
  readonly adminToken: string | null
  /** Variables for the control plane that say where documents live; none unless STORE is set. */
  readonly store: Variables
}

export interface OriginPorts {
  readonly stable: number
  readonly canary: number
}

/** Shortest admin token that the control plane accepts. */
const MIN_TOKEN_LENGTH = 16

export type Variables = Readonly<Record<string, string | undefined>>

/** Reads and checks the variables. Throws `StartError` naming the first bad one. */
export function parseOptions(env: Variables, projectRoot: string): Options {
  const edgePort = port(env, 'TURNOUT_EDGE_PORT', 8787)
  const adminPort = port(env, 'TURNOUT_ADMIN_PORT', 8788)
  if (edgePort === adminPort && edgePort !== 0)
    throw new StartError(`TURNOUT_EDGE_PORT and TURNOUT_ADMIN_PORT must differ, both are ${edgePort}`)
  return {
    edgePort,
    adminPort,
    originPorts: {
      stable: port(env, 'TURNOUT_STABLE_PORT', 8781),
      canary: port(env, 'TURNOUT_CANARY_PORT', 8782),
    },
    stateDir: resolve(projectRoot, given(env, 'TURNOUT_STATE_DIR') ?? '.turnout'),
    adminToken: token(env),
    store: store(env),
  }
}

/** A shell has AWS variables for many reasons: they are passed on to whoever sets STORE too. */
function store(env: Variables): Variables {
  if (given(env, 'STORE') === undefined) return {}
  const names = [...STORE, ...STORE_SECRETS].filter((name) => given(env, name) !== undefined)
  const variables = Object.fromEntries(names.map((name) => [name, env[name]]))
  const problem = storeProblem(variables)
  if (problem !== null) throw new StartError(problem)
  return variables
}

function port(env: Variables, name: string, standard: number): number {
  const text = given(env, name)
  if (text === undefined) return standard
  const value = Number(text)
  if (!/^\d{1,5}$/.test(text) || value > 65_535)
    throw new StartError(`${name} must be a port, 0 (any free one) to 65535, got ${JSON.stringify(text)}`)
  return value
}

function token(env: Variables): string | null {
  const text = given(env, 'TURNOUT_ADMIN_TOKEN')
  if (text === undefined) return null
  if (text.length < MIN_TOKEN_LENGTH)
    throw new StartError(
      `TURNOUT_ADMIN_TOKEN must have at least ${MIN_TOKEN_LENGTH} characters, has ${text.length}`,
    )
  if (!/^[\w.~+/=-]+$/.test(text))
    throw new StartError('TURNOUT_ADMIN_TOKEN may hold only letters, digits and - . _ ~ + / =')
  return text
}

/** An empty variable counts as not set. */
const given = (env: Variables, name: string): string | undefined => env[name] || undefined
