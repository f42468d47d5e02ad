/** Whether the entities, texts and versions of an environment in a backup belong together. Pure. */
import { contentHash } from '../storage/content-hash.ts'
import type { EnvironmentBegin } from './format.ts'
import type { RecordOf } from './records.ts'

type Entity = RecordOf<'environment', 'entity'>
type Body = RecordOf<'environment', 'body'>
type Version = RecordOf<'environment', 'version'>

export class ContentCheck {
  readonly #begin: EnvironmentBegin
  readonly #open = new Set<string>()
  /** Hash → the last version for which it is needed; `Infinity`: it holds now. */
  readonly #needed = new Map<string, { readonly until: number; readonly entity: string }>()
  readonly #bodies = new Set<string>()
  #oldest = Number.POSITIVE_INFINITY
  #newest = 0

  constructor(begin: EnvironmentBegin) {
    this.#begin = begin
  }

  /** What is wrong with an entity, or `null`. */
  entity({ kind, key, since, until, hash }: Entity): string | null {
    const { version } = this.#begin
    if (since > version || (until ?? 0) > version) return `is of a version above ${version}`
    if (until !== null && until <= since) return 'ends before it begins'
    const entity = `${kind} ${JSON.stringify(key)}`
    const end = until ?? Number.POSITIVE_INFINITY
    const known = this.#needed.get(hash)
    if (known === undefined || known.until < end) this.#needed.set(hash, { until: end, entity })
    if (until !== null) return null
    if (this.#open.has(entity)) return `is there twice: ${entity}`
    this.#open.add(entity)
    return null
  }

  /** What is wrong with a text, or `null`. */
  body({ hash, text }: Body): string | null {
    this.#bodies.add(hash)
    if (contentHash(text) !== hash) return 'its text is not what its hash says'
    return isJson(text) ? null : 'its text is not JSON'
  }

  version({ version }: Version): string | null {
    this.#oldest = Math.min(this.#oldest, version)
    this.#newest = Math.max(this.#newest, version)
    return version > this.#begin.version ? `is above ${this.#begin.version}` : null
  }

  /** What is missing, a sentence each. */
  missing(): string[] {
    const missing: string[] = []
    if (!this.#begin.live) return missing
    if (this.#newest !== this.#begin.version) missing.push(`version ${this.#begin.version} is missing`)
    if (!this.#open.has('settings "environment"')) missing.push('its settings are missing')
    for (const [hash, { until, entity }] of this.#needed)
      if (until > this.#oldest && !this.#bodies.has(hash)) missing.push(`the text of ${entity} is missing`)
    return missing
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
