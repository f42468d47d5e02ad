/** Checks the records of one object of a backup, one after the other, and at its end what they are together. Pure. */
import { isObject } from '../../engine/index.ts'
import type { Head } from '../audit/chain.ts'
import { ChainCheck } from './chain-check.ts'
import { ContentCheck } from './content-check.ts'
import type { Report } from './fields.ts'
import { type Begin, CHECKS, type EnvironmentBegin } from './format.ts'
import { type ObjectKind, type RecordName, UNIQUE } from './records.ts'

// biome-ignore lint/suspicious/noExplicitAny: a record that its own check has just let pass
type AnyRecord = any

export class ObjectCheck {
  readonly begin: Begin
  readonly #kind: ObjectKind
  readonly #chain: ChainCheck
  readonly #content: ContentCheck | null
  readonly #counts = new Map<string, number>()
  readonly #seen = new Set<string>()

  /** `environment`: its name, if it is one. */
  constructor(kind: ObjectKind, environment: string | null, begin: Begin) {
    this.#kind = kind
    this.begin = begin
    this.#chain = new ChainCheck(environment)
    this.#content = kind === 'environment' ? new ContentCheck(begin as EnvironmentBegin) : null
  }

  /** Where its audit log ends so far. */
  get head(): Head {
    return this.#chain.head
  }

  /** How many records there were so far, by name. */
  get counts(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }

  record(name: string, value: Readonly<Record<string, unknown>>, report: Report): void {
    const checks: Readonly<Record<string, (value: unknown, path: string, report: Report) => void>> =
      CHECKS.records[this.#kind]
    if (!Object.hasOwn(checks, name)) return report('$.record', `there are no ${JSON.stringify(name)} here`)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    let fits = true
    checks[name]!(value, '$', (path, message) => {
      fits = false
      report(path, message)
    })
    if (!fits) return
    const field = UNIQUE[name as RecordName]
    const key = field === undefined ? null : `${name} ${String(value[field])}`
    if (key !== null && this.#seen.has(key)) report(`$.${field}`, `is there twice: ${String(value[field!])}`)
    if (key !== null) this.#seen.add(key)
    const problem = this.#together(name, value)
    if (problem !== null) report('$', problem)
  }

  end(counts: unknown, report: Report): void {
    if (!sameCounts(counts, this.counts))
      report('$.counts', `there are ${JSON.stringify(this.counts)}, and it says ${JSON.stringify(counts)}`)
    for (const sentence of this.#content?.missing() ?? []) report('$', sentence)
  }

  #together(name: string, value: AnyRecord): string | null {
    if (name === 'audit') return this.#chain.add(value)
    if (name === 'entity') return this.#content!.entity(value)
    if (name === 'body') return this.#content!.body(value)
    if (name === 'version') return this.#content!.version(value)
    if (name === 'approval') return this.#content!.approval(value)
    if (name === 'proposal') return this.#content!.proposal(value)
    return null
  }
}

function sameCounts(said: unknown, found: Readonly<Record<string, number>>): boolean {
  if (!isObject(said)) return false
  const names = Object.keys(found)
  return (
    Object.keys(said).length === names.length &&
    names.every((name) => Object.hasOwn(said, name) && said[name] === found[name])
  )
}
