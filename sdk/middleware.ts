/** `fromRequest` for hono, for Express and Connect, and for plain fetch handlers. Shapes only: none of them is imported. */
import { fromRequest, type OriginKeys, type RequestClient, type RequestOptions } from './request.ts'

/** Keys, or how to find them where they come with the request, as a Worker's `env` does. */
type KeysFor<T> = OriginKeys | ((from: T) => OriginKeys)

const keysFor = <T>(keys: KeysFor<T>, from: T): OriginKeys => (typeof keys === 'function' ? keys(from) : keys)

/** The part of hono's context that is used. */
interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly env: unknown
  set(key: string, value: unknown): void
}

/** For hono: `app.use(flagsOfRequest((c) => c.env.TURNOUT_KEY))`, then `c.get('flags')`. */
export const flagsOfRequest =
  <C extends HonoContext>(keys: KeysFor<C>, options?: RequestOptions) =>
  async (c: C, next: () => Promise<void>): Promise<void> => {
    c.set('flags', await fromRequest(c.req.raw, keysFor(keys, c), options))
    await next()
  }

/** The part of a Node request that is used. */
interface NodeRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  flags?: RequestClient
}

/** For Express and Connect: `app.use(flagsOnRequest(process.env.TURNOUT_KEY))`, then `req.flags`. */
export const flagsOnRequest =
  (keys: OriginKeys, options?: RequestOptions) =>
  (request: NodeRequest, _response: unknown, next: (error?: unknown) => void): void => {
    const get = (name: string): string | null => {
      const value = request.headers[name]
      return typeof value === 'string' ? value : null
    }
    fromRequest({ headers: { get } }, keys, options).then((flags) => {
      request.flags = flags
      next()
    }, next)
  }

/** For fetch handlers: `export default { fetch: withFlags((env) => env.TURNOUT_KEY, (request, flags, env, ctx) => …) }`. */
export const withFlags =
  <Env, Rest extends unknown[]>(
    keys: KeysFor<Env>,
    handler: (
      request: Request,
      flags: RequestClient,
      env: Env,
      ...rest: Rest
    ) => Response | Promise<Response>,
    options?: RequestOptions,
  ) =>
  async (request: Request, env: Env, ...rest: Rest): Promise<Response> =>
    handler(request, await fromRequest(request, keysFor(keys, env), options), env, ...rest)
