/** Calls the control plane under test as an operator does, over HTTP, with a new environment for each test. */
import { env, exports } from 'cloudflare:workers'
import { expect } from 'vitest'
import type { Env } from '../../admin/env.ts'
import type { EnvironmentObject } from '../../admin/objects/environment.ts'

declare global {
  namespace Cloudflare {
    interface Env extends AdminEnv {}
    interface GlobalProps {
      mainModule: typeof import('../../admin/index.ts')
    }
  }
}
type AdminEnv = Env

export const TOKEN = 'token-of-the-tests'
const ORIGIN = 'https://admin.test'

export interface CallOptions {
  method?: string
  /** Sent as JSON, or as it is if it is text. */
  body?: unknown
  headers?: Record<string, string>
}

/** One request with the admin token. */
export function call(path: string, { method, body, headers = {} }: CallOptions = {}): Promise<Response> {
  return exports.default.fetch(`${ORIGIN}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

export const ANY = { 'if-match': '*' }
export const NEW = { 'if-none-match': '*' }
export const held = (version: number): Record<string, string> => ({ 'if-match': `"v${version}"` })

/** What a problem answer says; fails if it is none. */
export async function problem(response: Response, status: number): Promise<ProblemBody> {
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body = (await response.json()) as ProblemBody
  expect(body.status).toBe(status)
  expect(body.requestId).toBe(response.headers.get('x-request-id'))
  return body
}

export interface ProblemBody {
  type: string
  title: string
  status: number
  detail: string
  errors: { path: string; message: string }[]
  requestId: string
}

/** The JSON of a success. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
export async function value<T = any>(response: Response): Promise<T> {
  const text = await response.text()
  expect(response.ok, text).toBe(true)
  return JSON.parse(text)
}

let made = 0

/** A new environment, its API address and its object. */
export async function environment(document?: unknown): Promise<TestEnvironment> {
  const name = `test-${++made}-${crypto.randomUUID().slice(0, 8)}`
  const api = `/api/v1/environments/${name}`
  expect((await call(api, { method: 'PUT', body: {}, headers: NEW })).status).toBe(201)
  if (document !== undefined)
    await value(await call(`${api}/document`, { method: 'PUT', body: document, headers: ANY }))
  return { name, api, stub: env.ENVIRONMENTS.getByName(name) }
}

export interface TestEnvironment {
  name: string
  api: string
  stub: DurableObjectStub<EnvironmentObject>
}
