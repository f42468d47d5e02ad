/**
 * Contexts of real requests, for looking at a change before it is published: place, network and address of the request, no
 * header, cookie, query or client address. Who asked becomes a pseudonym under a key that this isolate draws and never tells.
 */
import { MAX_SAMPLED_TEXT, SAMPLED_ATTRIBUTES, type SampledContext } from '../engine/index.ts'
import { contextBuilder } from './context.ts'
import type { RequestFacts } from './request-facts.ts'

/** A sample as this isolate holds it, until it is sent. */
export interface Drawn {
  readonly key: string | undefined
  readonly context: SampledContext
}

const build = contextBuilder(SAMPLED_ATTRIBUTES)

export function draw(facts: RequestFacts, key: string | undefined): Drawn {
  const present = Object.entries(build(facts, undefined)).filter(([, value]) => value !== undefined)
  return { key, context: Object.fromEntries(present.map(([name, value]) => [name, bounded(value)])) }
}

const bounded = (value: unknown): unknown =>
  typeof value === 'string' ? value.slice(0, MAX_SAMPLED_TEXT) : value

const encoder = new TextEncoder()

/** Pseudonyms: the same identity gets the same one from this isolate, and from no other. */
export class Pseudonyms {
  #key: CryptoKey | null = null

  async sampled({ key, context }: Drawn): Promise<SampledContext> {
    return key === undefined ? context : { targetingKey: await this.#of(key), ...context }
  }

  async #of(identity: string): Promise<string> {
    this.#key ??= await crypto.subtle.importKey(
      'raw',
      crypto.getRandomValues(new Uint8Array(32)),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', this.#key, encoder.encode(identity)))
    return Array.from(mac.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}
