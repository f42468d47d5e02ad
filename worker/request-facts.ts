/**
 * What the edge knows about a request, each fact found out when first asked: the source of the attributes `geo.*`,
 * `network.*` and `request.*`, and of identities.
 */
import { cookieValue } from './cookie.ts'

/** The part of `request.cf` that is read; every field may be missing. */
export type Place = Partial<IncomingRequestCfProperties>

export class RequestFacts {
  readonly request: Request
  /** The normalised URL: the one form that is matched and forwarded. */
  readonly url: URL
  readonly place: Place
  readonly #local: boolean
  #cookies: string | null | undefined
  #query: URLSearchParams | undefined

  constructor(request: Request, url: URL, local: boolean) {
    this.request = request
    this.url = url
    this.place = (request.cf ?? {}) as Place
    this.#local = local
  }

  /** The client's address as the platform gives it; nothing a client writes is believed. */
  get ip(): string | null {
    return this.header('cf-connecting-ip') ?? (this.#local ? '127.0.0.1' : null)
  }

  get cookies(): string | null {
    if (this.#cookies === undefined) this.#cookies = this.header('cookie')
    return this.#cookies
  }

  get https(): boolean {
    return this.url.protocol === 'https:'
  }

  header(name: string): string | null {
    return this.request.headers.get(name)
  }

  cookie(name: string): string | null {
    return cookieValue(this.cookies, name)
  }

  query(name: string): string | null {
    this.#query ??= this.url.searchParams
    return this.#query.get(name)
  }
}
