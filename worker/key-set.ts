/**
 * An issuer's keys in this isolate, read from its JWKS URL, and the tokens that they have signed. No promise crosses requests:
 * one reader at a time by a lease that expires by itself, and those who wait look at this memory (docs/decisions/0006).
 */
import { NETWORK } from './attempt.ts'
import { wholeOf } from './body.ts'
import { isSignedBy, type Jwk, readJwks } from './jwk.ts'
import type { Claims, Jwt } from './jwt.ts'
import { logWarn } from './log.ts'
import type { Clock } from './refresher.ts'
import type { Service } from './service-origins.ts'
import type { Background } from './snapshots.ts'

/** Older keys are read anew, beside the request. */
const FRESH_MS = 600_000
/** Older keys are no keys: the issuer has been away too long. */
const STALE_MS = 86_400_000
/** No key for a token: the set is read anew at most this often. */
const RETRY_MS = 30_000
const FETCH_MS = 5_000
/** Longest that a request waits for keys. */
const WAIT_MS = 1_000
const POLL_MS = 5
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 300_000
const MAX_BYTES = 65_536
/** Genuine tokens remembered per generation; two generations are kept. */
const REMEMBERED = 512

export class KeySet {
  readonly #url: string
  readonly #by: Service
  readonly #clock: Pick<Clock, 'now' | 'wait'>
  #text = ''
  #keys: readonly Jwk[] = []
  #readAtMs = Number.NEGATIVE_INFINITY
  /** When the keys are read anew, and when they may be for want of one. */
  #dueAtMs = Number.NEGATIVE_INFINITY
  #askableAtMs = Number.NEGATIVE_INFINITY
  #leaseUntilMs = Number.NEGATIVE_INFINITY
  /** Attempts begun, which name the holder of the lease, and ended. */
  #begun = 0
  #ended = 0
  #failures = 0
  #recent = new Map<string, Claims>()
  #older = new Map<string, Claims>()

  constructor(url: string, by: Service = NETWORK, clock: Pick<Clock, 'now' | 'wait'>) {
    this.#url = url
    this.#by = by
    this.#clock = clock
  }

  /** The claims of a token that one of the keys has signed, if that was found out lately; `undefined`: ask `isGenuine`. */
  known(token: string, background: Background): Claims | undefined {
    const nowMs = this.#clock.now()
    if (isOver(this.#dueAtMs, nowMs, FRESH_MS)) this.#ask(nowMs, background)
    return this.#isStale(nowMs) ? undefined : (this.#recent.get(token) ?? this.#older.get(token))
  }

  /** Whether one of the keys has signed it. Waits a little while where the key is not there yet. */
  async isGenuine(token: string, jwt: Jwt, background: Background): Promise<boolean> {
    const untilMs = this.#clock.now() + WAIT_MS
    for (;;) {
      const { keys, ended } = { keys: this.#keys, ended: this.#ended }
      if (!this.#isStale(this.#clock.now()) && (await isSignedBy(keys, jwt))) {
        if (keys === this.#keys) this.#remember(token, jwt.claims)
        return true
      }
      const nowMs = this.#clock.now()
      if (isOver(this.#askableAtMs, nowMs, LONGEST_PAUSE_MS)) this.#ask(nowMs, background)
      // Nobody waits for an issuer that did not answer the last time.
      while (this.#ended === ended) {
        const isAsked = !isOver(this.#leaseUntilMs, this.#clock.now(), FETCH_MS)
        if (!isAsked || this.#failures > 0 || this.#clock.now() >= untilMs) return false
        await this.#clock.wait(POLL_MS)
      }
    }
  }

  #isStale(nowMs: number): boolean {
    return nowMs - this.#readAtMs > STALE_MS
  }

  #ask(nowMs: number, background: Background): void {
    if (isOver(this.#leaseUntilMs, nowMs, FETCH_MS)) background(this.#read(nowMs))
  }

  /** Never rejects. */
  async #read(startedMs: number): Promise<void> {
    this.#begun += 1
    const holder = this.#begun
    this.#leaseUntilMs = startedMs + FETCH_MS
    try {
      this.#install(await this.#fetched())
      this.#readAtMs = startedMs
      this.#failures = 0
      this.#dueAtMs = startedMs + FRESH_MS
      this.#askableAtMs = startedMs + RETRY_MS
    } catch (cause) {
      this.#failures += 1
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS)
      this.#dueAtMs = this.#askableAtMs = this.#clock.now() + pauseMs
      logWarn('jwks-unavailable', { url: this.#url, cause: String(cause) })
    } finally {
      this.#ended += 1
      if (holder === this.#begun) this.#leaseUntilMs = Number.NEGATIVE_INFINITY
    }
  }

  async #fetched(): Promise<string> {
    const signal = AbortSignal.timeout(FETCH_MS)
    const { status, body } = await this.#by.fetch(this.#url, {
      redirect: 'manual',
      headers: { accept: 'application/json' },
      signal,
    })
    const whole = await wholeOf(status === 200 ? body : null, MAX_BYTES, signal)
    if (status !== 200) {
      await body?.cancel()
      throw new Error(`status ${status}`)
    }
    if (whole === null) throw new Error(`no whole answer of at most ${MAX_BYTES} bytes`)
    return whole.text()
  }

  /** Other keys may not have signed what is remembered. */
  #install(text: string): void {
    if (text === this.#text) return
    this.#keys = readJwks(text)
    this.#text = text
    this.#recent = new Map()
    this.#older = new Map()
  }

  #remember(token: string, claims: Claims): void {
    if (this.#recent.size >= REMEMBERED) {
      this.#older = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(token, claims)
  }
}

/** Whether a time has come. One further away than any that is ever given means that the clock was set back. */
const isOver = (untilMs: number, nowMs: number, longestMs: number): boolean =>
  nowMs >= untilMs || untilMs - nowMs > longestMs
