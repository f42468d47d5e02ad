/**
 * What the edge knows about a request, each fact found out when first asked: the source of the attributes `geo.*`,
 * `network.*` and `request.*`, and of identities.
 */
import { addressOf } from './address.ts'
import type { ClientSource, Place } from './client.ts'
import { cookieValue } from './cookie.ts'

export class RequestFacts {
  readonly request: Request
  readonly headers: Headers
  /** Path and query of the normalised URL: the one form that is matched and forwarded. */
  readonly path: string
  readonly search: string
  /** Host name, with the port where it is not the scheme's own. */
  readonly host: string
  readonly https: boolean
  /** CDN-Loop: which CDNs the request has passed. */
  readonly cdnLoop: string | null
  readonly #clients: ClientSource
  #place: Place | undefined
  #cookies: string | null | undefined
  #query: URLSearchParams | undefined

  constructor(request: Request, clients: ClientSource) {
    this.request = request
    // Each look at the platform's own costs as much as reading a header.
    this.headers = request.headers
    const named = clients.hasHost ? null : this.headers.get('host')
    const { path, search, host, protocol } = addressOf(request.url, named)
    this.path = path
    this.search = search
    this.host = host
    this.#clients = clients
    this.https = clients.isHttps(this, protocol)
    this.cdnLoop = this.headers.get('cdn-loop')
  }

  get method(): string {
    return this.request.method
  }

  /** What the platform says of the request. */
  get cf(): Request['cf'] {
    return this.request.cf
  }

  /** Where the client is; empty where nobody says it. */
  get place(): Place {
    this.#place ??= this.#clients.place(this)
    return this.#place
  }

  /** The client's address. */
  get ip(): string | null {
    return this.#clients.ip(this)
  }

  /** Headers `cf-…` are the platform's word. */
  get hasPlatform(): boolean {
    return this.#clients.hasPlatform
  }

  get cookies(): string | null {
    if (this.#cookies === undefined) this.#cookies = this.header('cookie')
    return this.#cookies
  }

  header(name: string): string | null {
    return this.headers.get(name)
  }

  cookie(name: string): string | null {
    return cookieValue(this.cookies, name)
  }

  query(name: string): string | null {
    this.#query ??= new URLSearchParams(this.search)
    return this.#query.get(name)
  }
}
