/**
 * An edge as a test meets it: a fresh isolate of the real entry point, a control plane that is a plain object, and origins
 * that are functions. Requests go in, what the origins received and what the client got come out.
 */
import { createExecutionContext } from 'cloudflare:test'
import { env as bindings } from 'cloudflare:workers'
import { onTestFinished, vi } from 'vitest'
import {
  type Access,
  type ControlRpc,
  compile,
  encodeSnapshot,
  type Flag,
  type FlagDocument,
  type Kill,
  type KillList,
  type Known,
  type MetricBatch,
  NO_KILLS,
  type Overlay,
  type Route,
} from '../../engine/index.ts'
import type { Env } from '../../worker/env.ts'

export const ENVIRONMENT = 'test'
export const COOKIE_KEY = 'an identity cookie key for the tests only'

type Init = RequestInit<CfProperties>

/** Compiles and encodes; a document that does not compile is a mistake of the test. */
export function snapshotText(document: FlagDocument, at: SnapshotOptions = {}): string {
  const { epoch = 1, version = 1, access = { open: false, keys: [] }, overlay, cacheEpoch = 0 } = at
  const compiled = compile(document, {
    environment: ENVIRONMENT,
    epoch,
    version,
    access,
    cacheEpoch,
    allowPrivateOrigins: true,
    ...(overlay && { overlay }),
  })
  if (!compiled.ok) throw new Error(`document of this test: ${JSON.stringify(compiled.error)}`)
  return encodeSnapshot(compiled.value.snapshot)
}

export interface SnapshotOptions {
  epoch?: number
  version?: number
  access?: Access
  overlay?: Overlay
  cacheEpoch?: number
}

/** The control plane. `answer` decides what `read` does: by default it tells what was published. */
export class Control implements ControlRpc {
  reads = 0
  readonly bodies: string[] = []
  #epoch = 0
  #version = 0
  #body = ''
  #kills: KillList = NO_KILLS
  /** What stands between the edge and an answer: throws, waits, or nothing. */
  beforeRead: () => unknown = () => {}
  beforeBody: () => unknown = () => {}
  /** What was reported, in order; also what `beforeRecord` then refused. */
  readonly batches: MetricBatch[] = []
  beforeRecord: () => unknown = () => {}
  /** What other isolates found broken, as the answers to reports tell. */
  broken: Record<string, number> | undefined
  /** What health checks found, as the answers to reads tell. */
  unhealthy: Record<string, number> | undefined

  publish(document: FlagDocument, at: SnapshotOptions = {}): this {
    const { epoch = 1, version = this.#version + 1 } = at
    this.#body = snapshotText(document, { ...at, epoch, version })
    this.#epoch = epoch
    this.#version = version
    return this
  }

  kill(...kills: Kill[]): this {
    const version = this.#kills.version + 1
    const cacheEpoch = kills.length > 0 ? version : (this.#kills.cacheEpoch ?? 0)
    this.#kills = { epoch: this.#epoch, version, cacheEpoch, kills }
    return this
  }

  /** The same kills under the next version. */
  drill(): this {
    this.#kills = { cacheEpoch: 0, ...this.#kills, epoch: this.#epoch, version: this.#kills.version + 1 }
    return this
  }

  /** Of what was last published. */
  get version(): number {
    return this.#version
  }

  /** Closes breakers by hand, as one more version of the kills. */
  close(...origins: string[]): this {
    const version = this.#kills.version + 1
    const closings = origins.map((origin) => ({ origin, version }))
    this.#kills = { ...this.#kills, epoch: this.#epoch, version, closings }
    return this
  }

  get kills(): KillList {
    return this.#kills
  }

  /** Wire form of what was last published, or any other text in its place. */
  get body(): string {
    return this.#body
  }

  set body(text: string) {
    this.#body = text
  }

  async read(known: Known) {
    this.reads += 1
    await this.beforeRead()
    const kills = this.#kills
    const current = known.epoch === kills.epoch && known.kills === kills.version
    return {
      environment: ENVIRONMENT,
      epoch: this.#epoch,
      snapshot: this.#version,
      kills: current ? null : kills,
      ...(this.unhealthy && { unhealthy: this.unhealthy }),
    }
  }

  async record(batch: MetricBatch) {
    this.batches.push(batch)
    await this.beforeRecord()
    return { flushMs: 1_000, ...(this.broken && { broken: this.broken }) }
  }

  async snapshot(epoch: number, version: number) {
    this.bodies.push(`${epoch}/${version}`)
    await this.beforeBody()
    if (epoch !== this.#epoch || version !== this.#version) throw new Error(`${epoch}/${version} is not kept`)
    return this.#body
  }
}

export const never = (): Promise<never> => new Promise(() => {})
export const refuse = (): never => {
  throw new Error('control plane is down')
}

export interface Edge {
  readonly control: Control
  /** As a client would: redirects are not followed. `http://edge.test` is put before a path. */
  fetch(url: string, init?: Init): Promise<Response>
  /** Resolves when what answers left to be done is done; the refresh loop, which goes on for long, is given a moment only. */
  settled(): Promise<unknown>
}

export interface EdgeOptions extends SnapshotOptions {
  control?: Control
  kills?: Kill[]
  /** Bindings and settings over the usual ones; `undefined` takes one away. */
  env?: { [Name in keyof Env]?: Env[Name] | undefined }
}

/** A fresh isolate in front of a control plane that has published `document` (`null`: nothing). */
export async function startEdge(document: FlagDocument | null, options: EdgeOptions = {}): Promise<Edge> {
  const control = options.control ?? new Control()
  if (document) control.publish(document, options)
  if (options.kills) control.kill(...options.kills)
  const settings = {
    ENVIRONMENT,
    COOKIE_KEY,
    CONTROL: control,
    LAST_KNOWN_GOOD: (bindings as Env).LAST_KNOWN_GOOD,
    ...options.env,
  }
  const env = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as unknown as Env
  vi.resetModules()
  const { default: entry } = await import('../../worker/index.ts')
  const handler = entry as unknown as {
    fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response>
  }
  let left: Promise<unknown>[] = []
  return {
    control,
    settled: () => {
      const work = Promise.allSettled(left)
      left = []
      return Promise.race([work, scheduler.wait(25)])
    },
    fetch: (url, init) => {
      const request = new Request(new URL(url, 'http://edge.test').href, { redirect: 'manual', ...init })
      // Clients say how long a text is; only streams go without.
      if (typeof init?.body === 'string')
        request.headers.set('content-length', String(new TextEncoder().encode(init.body).length))
      const ctx = createExecutionContext()
      const waitUntil = ctx.waitUntil.bind(ctx)
      ctx.waitUntil = (work) => {
        left.push(work)
        waitUntil(work)
      }
      return handler.fetch(request, env, ctx)
    },
  }
}

/** What an origin received. */
export interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly redirect: string
  readonly body: string
}

export type Origin = (request: Request, sent: Sent) => Response | Promise<Response>

/** Says who it is and takes everything. */
export const hello: Origin = (request) =>
  new Response(request.method === 'HEAD' ? null : new URL(request.url).hostname)

/** The connection is refused. */
export const refused: Origin = () => {
  throw new Error('Network connection lost.')
}

/** Takes the request and never answers. */
export const hangs: Origin = () => never()

export const status =
  (code: number, headers: Record<string, string> = {}): Origin =>
  (request) =>
    new Response(request.method === 'HEAD' ? null : `status ${code}`, { status: code, headers })

/** Stands in for the network. Keys are `host` or `host:port`; hosts not named say hello. Returns all requests, in order. */
export function stubOrigins(origins: Record<string, Origin> = {}): Sent[] {
  const received: Sent[] = []
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input as Request, init as RequestInit)
    const signal = (init as RequestInit | undefined)?.signal ?? request.signal
    const sent: Sent = {
      url: request.url,
      method: request.method,
      headers: new Headers(request.headers),
      redirect: request.redirect,
      body: request.body ? await request.clone().text() : '',
    }
    received.push(sent)
    const answer = (origins[new URL(request.url).host] ?? hello)(request, sent)
    const aborted = new Promise<never>((_, fail) => {
      if (signal?.aborted) fail(signal.reason)
      signal?.addEventListener('abort', () => fail(signal.reason))
    })
    return Promise.race([answer, aborted])
  })
  onTestFinished(() => spy.mockRestore())
  return received
}

export const STABLE = 'https://stable.test'
export const CANARY = 'https://canary.test'

/** One route for everything, over a flag `release` that serves `stable` unless `flag` says otherwise. */
export function site(route: Partial<Route> = {}, flag: Partial<Flag> = {}): FlagDocument {
  return {
    flags: {
      release: {
        enabled: true,
        variants: { stable: 1, canary: 2 },
        off: 'stable',
        fallthrough: 'stable',
        ...flag,
      },
    },
    routes: [
      {
        id: 'site',
        match: { path: '/*' },
        flag: 'release',
        origins: { stable: { url: STABLE }, canary: { url: CANARY } },
        fallback: 'stable',
        ...route,
      },
    ],
  }
}

/** As `site`, with the flag serving `canary`. */
export const canarySite = (route: Partial<Route> = {}, flag: Partial<Flag> = {}): FlagDocument =>
  site(route, { fallthrough: 'canary', ...flag })

export const hostOf = (sent: Sent | undefined): string | undefined => sent && new URL(sent.url).host

/** `name=value` of a cookie that the response sets, to be sent back. */
export function cookieOf(response: Response, name: string): string | undefined {
  const line = response.headers.getSetCookie().find((cookie) => cookie.startsWith(`${name}=`))
  return line?.split(';')[0]
}

/** Attributes of a `Set-Cookie` line, names in lower case, without the first pair. */
export function attributesOfCookie(line: string): Record<string, string> {
  return Object.fromEntries(
    line
      .split(';')
      .slice(1)
      .map((part) => part.trim().split('='))
      .map(([name, value = '']) => [name!.toLowerCase(), value]),
  )
}

export async function problemOf(response: Response) {
  if (response.headers.get('content-type')?.split(';')[0] !== 'application/problem+json')
    throw new Error(`not a problem response: ${response.status} ${response.headers.get('content-type')}`)
  return (await response.json()) as { title: string; status: number; detail?: string; type?: string }
}

/** A snapshot's text after a change to it, with the length in its header made right: damage that no check of the whole finds. */
export function relengthed(body: string): string {
  const [header = '', ...flags] = body.split('\n')
  const lines = flags.map((flag) => `\n${flag}`).join('')
  return JSON.stringify({ ...JSON.parse(header), length: lines.length }) + lines
}
