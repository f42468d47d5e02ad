/** What nearly every command begins with: a connection, and the environment that is meant. */
import { type AdminApi, connect } from './client.ts'
import { connectionOf, environmentOf } from './connection.ts'
import type { World } from './world.ts'

export interface Session {
  readonly api: AdminApi
  readonly url: string
}

export function openSession(world: World): Session {
  const connection = connectionOf(world)
  // Known to the output before anything can be printed.
  world.output.hide(connection.token)
  return { api: connect(connection, world), url: connection.url }
}

export interface EnvironmentSession extends Session {
  readonly environment: string
  /** Parameters of an address below the environment. */
  readonly path: { readonly env: string }
}

export function openEnvironment(world: World): EnvironmentSession {
  const environment = environmentOf(world)
  return { ...openSession(world), environment, path: { env: environment } }
}
