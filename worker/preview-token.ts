/**
 * Tokens of signed previews, checked against the public keys of the snapshot. A token's signature is verified once in an
 * isolate; whether it holds here and now is asked each time. Source: docs/traffic.md, "Previews".
 */
import {
  err,
  MAX_PREVIEW_TOKEN,
  ok,
  PREVIEW_HEADER,
  type PreviewAccess,
  type PreviewClaims,
  previewClaims,
  previewProblem,
  type Result,
  type Shown,
} from '../engine/index.ts'
import { bytesOf, jsonOf } from './jws.ts'

/** Tokens remembered: whoever previews sends the same one with each request. */
const REMEMBERED = 256

const TOKEN = /^([\w-]+)\.([\w-]+)\.([\w-]{86})$/

/** Why a token is not believed. */
export interface Doubt {
  /** The end of a sentence that begins with "the preview". */
  readonly problem: string
  /** This isolate may be behind: another one, or the same a moment later, may believe it. */
  readonly mayHold: boolean
}

interface Read {
  readonly kid: string
  readonly claims: PreviewClaims
  /** What is signed. */
  readonly text: string
  readonly signature: Uint8Array
}

export class PreviewTokens {
  readonly #keys = new Map<string, CryptoKey>()
  /** Token → the public key that was asked, and what it said. */
  #verified = new Map<string, { readonly key: string; readonly isGenuine: boolean }>()

  /** Throws never, whatever the text is. */
  async check(token: string, shown: Shown): Promise<Result<PreviewClaims, Doubt>> {
    const read = readToken(token)
    if (read === null) return err({ problem: 'is no token of a preview', mayHold: false })
    const { kid, claims } = read
    const key = publicKey(shown.access, kid)
    const problem =
      key === null || (await this.#isGenuine(token, read, key))
        ? previewProblem(claims, kid, shown)
        : 'is not signed by this control plane'
    return problem === null ? ok(claims) : err({ problem, mayHold: key === null })
  }

  async #isGenuine(token: string, { text, signature }: Read, key: string): Promise<boolean> {
    const known = this.#verified.get(token)
    if (known?.key === key) return known.isGenuine
    const isGenuine = await crypto.subtle.verify(
      'Ed25519',
      await this.#imported(key),
      signature,
      new TextEncoder().encode(text),
    )
    if (this.#verified.size >= REMEMBERED) this.#verified = new Map()
    this.#verified.set(token, { key, isGenuine })
    return isGenuine
  }

  async #imported(key: string): Promise<CryptoKey> {
    const known = this.#keys.get(key)
    if (known) return known
    const imported = await crypto.subtle.importKey('raw', bytesOf(key)!, 'Ed25519', false, ['verify'])
    this.#keys.set(key, imported)
    return imported
  }
}

const publicKey = (access: PreviewAccess | undefined, kid: string): string | null =>
  access?.keys.find(({ id }) => id === kid)?.key ?? null

/** Nothing in it is believed yet. Strict: one token has one text, and only the one algorithm is spoken of. */
function readToken(token: string): Read | null {
  const parts = token.length <= MAX_PREVIEW_TOKEN ? TOKEN.exec(token) : null
  const signature = parts && bytesOf(parts[3]!)
  if (!parts || !signature) return null
  const header = jsonOf(parts[1]!)
  const claims = previewClaims(jsonOf(parts[2]!))
  if (header === null || claims === null) return null
  const { alg, typ, kid, ...others } = header as Record<string, unknown>
  const isOurs = alg === PREVIEW_HEADER.alg && typ === PREVIEW_HEADER.typ && typeof kid === 'string'
  if (!isOurs || Object.keys(others).length > 0) return null
  return { kid, claims, text: `${parts[1]}.${parts[2]}`, signature }
}
