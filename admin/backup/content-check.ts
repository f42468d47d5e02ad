/** Whether what a backup says of an environment belongs together: entities, texts and versions; approvals and proposals. Pure. */
import { contentHash } from '../storage/content-hash.ts'
import type { Check } from './fields.ts'
import type { EnvironmentBegin } from './format.ts'
import { type RecordOf, TEXTS } from './records.ts'

type Entity = RecordOf<'environment', 'entity'>
type Body = RecordOf<'environment', 'body'>
type Version = RecordOf<'environment', 'version'>

export class ContentCheck {
  readonly #begin: EnvironmentBegin
  readonly #open = new Set<string>()
  /** Hash → the last version for which it is needed; `Infinity`: it holds now. */
  readonly #needed = new Map<
    string,
    { readonly until: number; readonly kind: Entity['kind']; readonly entity: string }
  >()
  readonly #bodies = new Set<string>()
  /** Those whose proposals have not come. */
  readonly #approvals = new Set<number>()
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
    if (known === undefined || known.until < end) this.#needed.set(hash, { until: end, kind, entity })
    if (until !== null) return null
    if (this.#open.has(entity)) return `is there twice: ${entity}`
    this.#open.add(entity)
    return null
  }

  /** What is wrong with a text, or `null`. */
  body({ hash, text }: Body): string | null {
    this.#bodies.add(hash)
    if (contentHash(text) !== hash) return 'its text is not what its hash says'
    const kind = this.#needed.get(hash)?.kind
    return problemIn(text, kind === 'settings' || kind === 'sdk-key' ? TEXTS[kind] : null)
  }

  version({ version }: Version): string | null {
    this.#oldest = Math.min(this.#oldest, version)
    this.#newest = Math.max(this.#newest, version)
    return version > this.#begin.version ? `is above ${this.#begin.version}` : null
  }

  approval({ n }: { readonly n: number }): null {
    this.#approvals.add(n)
    return null
  }

  proposal({ n }: { readonly n: number }): string | null {
    return this.#approvals.delete(n) ? null : `is about approval ${n}, which is not there`
  }

  /** What is missing, a sentence each. */
  missing(): string[] {
    const missing: string[] = []
    for (const n of this.#approvals) missing.push(`what approval ${n} is about is missing`)
    if (!this.#begin.live) return missing
    if (this.#newest !== this.#begin.version) missing.push(`version ${this.#begin.version} is missing`)
    if (!this.#open.has('settings "environment"')) missing.push('its settings are missing')
    for (const [hash, { until, entity }] of this.#needed)
      if (until > this.#oldest && !this.#bodies.has(hash)) missing.push(`the text of ${entity} is missing`)
    return missing
  }
}

function problemIn(text: string, check: Check<unknown> | null): string | null {
  const problems: string[] = []
  try {
    check?.(JSON.parse(text), '$', (path, message) => problems.push(`${path} ${message}`))
    if (check === null) JSON.parse(text)
  } catch {
    return 'its text is not JSON'
  }
  return problems.length === 0 ? null : `in its text ${problems.join('; ')}`
}
