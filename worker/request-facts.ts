/**
 * What the edge knows about a request, each fact found out when first asked: the source of the attributes `geo.*`,
 * `network.*` and `request.*`, and of identities.
 */
import { cookieValue } from './cookie.ts'

/** The part of `request.cf` that is read; every field may be missing. */
export type Place = Partial<IncomingRequestCfProperties>

export class RequestFacts {
  readonly request: Request
  /** Path and query of the normalised URL: the one form that is matched and forwarded. */
  readonly path: string
  readonly search: string
  /** Host name, with the port where it is not the scheme's own. */
  readonly host: string
  readonly https: boolean
  /** CDN-Loop: which CDNs the request has passed. */
  readonly cdnLoop: string | null
  readonly #local: boolean
  #cookies: string | null | undefined
  #query: URLSearchParams | undefined

  constructor(request: Request, local: boolean) {
    const { pathname, search, host, protocol } = new URL(request.url)
    this.request = request
    this.path = pathname
    this.search = search
    this.host = host
    this.https = protocol === 'https:'
    this.cdnLoop = request.headers.get('cdn-loop')
    this.#local = local
  }

  /** Where the platform saw the client; empty where it does not say. */
  get place(): Place {
    return (this.request.cf ?? {}) as Place
  }

  /** The client's address as the platform gives it; nothing a client writes is believed. */
  get ip(): string | null {
    return this.header('cf-connecting-ip') ?? (this.#local ? '127.0.0.1' : null)
  }

  get cookies(): string | null {
    if (this.#cookies === undefined) this.#cookies = this.header('cookie')
    return this.#cookies
  }

  header(name: string): string | null {
    return this.request.headers.get(name)
  }

  cookie(name: string): string | null {
    return cookieValue(this.cookies, name)
  }

  query(name: string): string | null {
    this.#query ??= new URLSearchParams(this.search)
    return this.#query.get(name)
  }
}
