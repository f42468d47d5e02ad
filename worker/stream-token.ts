/**
 * Tokens that open a stream in place of a server key, which must never stand in a URL. A token is good for five to ten
 * minutes and for hearing of changes only: it tells and evaluates nothing.
 */
import { SecretKey, sameText } from './secret-key.ts'

const WINDOW_MS = 300_000

export class StreamTokens {
  readonly #environment: string
  readonly #key: SecretKey
  #latest: { window: number; token: string } | null = null

  constructor(secret: string, environment: string) {
    this.#key = new SecretKey(secret)
    this.#environment = environment
  }

  /** The same one throughout a window, so that an answer's URL stays the same and its listener stays connected. */
  async mint(nowMs: number): Promise<string> {
    const window = windowOf(nowMs)
    if (this.#latest?.window !== window) this.#latest = { window, token: await this.#token(window) }
    return this.#latest.token
  }

  /** Whether a token was minted in this window or the one before; isolates' clocks may be a little apart. */
  async verify(token: string, nowMs: number): Promise<boolean> {
    const window = Number(/^(\d{1,12})\./.exec(token)?.[1])
    const age = windowOf(nowMs) - window
    return age >= -1 && age <= 1 && sameText(token, await this.#token(window))
  }

  async #token(window: number): Promise<string> {
    return `${window}.${await this.#key.mac(`turnout-stream:${this.#environment}:${window}`)}`
  }
}

/** Which window a moment is in; answers that hold a token are others in the next one. */
export const windowOf = (nowMs: number): number => Math.floor(nowMs / WINDOW_MS)
