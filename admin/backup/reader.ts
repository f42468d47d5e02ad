/**
 * Reads a backup line by line and says everything that is wrong with it, and where. What it calls a record may be believed
 * only after `finish` has found nothing. Pure but for its own memory. Never throws.
 */

import { createHash } from 'node:crypto'
import { isObject } from '../../engine/index.ts'
import type { Head } from '../audit/chain.ts'
import type { Report } from './fields.ts'
import { type Begin, CHECKS, type Closing, FORMAT, type Header, objectOf } from './format.ts'
import { ObjectCheck } from './object-check.ts'

/** `path`: `line 12, $.target`. */
export interface Finding {
  readonly path: string
  readonly message: string
}

/** What a line turned out to be; `null`: nothing that is of use. */
export type Line =
  | { readonly is: 'begin'; readonly object: string; readonly begin: Begin }
  | { readonly is: 'record'; readonly object: string; readonly record: string; readonly value: object }
  | { readonly is: 'end'; readonly object: string }
  | null

/** One object of a backup that was read to its end. */
export interface ReadObject {
  readonly name: string
  readonly begin: Begin
  readonly counts: Readonly<Record<string, number>>
  /** End of its audit log. */
  readonly head: Head
}

/** Findings that are told; a file with more is none of ours. */
const MAX_FINDINGS = 100

type Values = Readonly<Record<string, unknown>>

export class BackupReader {
  header: Header | null = null
  /** The last line; `null`: it has not come. */
  closing: Closing | null = null
  readonly objects: ReadObject[] = []
  readonly #findings: Finding[] = []
  #more = 0
  readonly #hash = createHash('sha256')
  #line = 0
  #open: { readonly name: string; readonly check: ObjectCheck } | null = null

  /** One line, without its line feed. */
  read(text: string): Line {
    this.#line++
    if (this.closing !== null) {
      this.#report('$', 'comes after the closing line')
      return null
    }
    const value = objectIn(text)
    if (this.#line === 1) this.#readHeader(value)
    const line = value === null ? this.#noObject() : this.#line === 1 ? null : this.#understand(value)
    if (this.closing === null) this.#hash.update(`${text}\n`)
    return line
  }

  /** Everything that is wrong, now that the file is over. Empty: it may be believed. */
  finish(): readonly Finding[] {
    const missing = (message: string) => this.#find('the end of the file', message)
    if (this.#line === 0) missing('it is empty')
    if (this.#open !== null) missing(`${this.#open.name} has no end`)
    if (this.closing === null) missing('there is no closing line: the file was cut, or its making broke off')
    const read = this.objects.map(({ name }) => name)
    const absent = (this.header?.holds ?? []).filter((name) => !read.includes(name))
    for (const name of absent) missing(`${name} is missing, which the header names`)
    if (this.#more === 0) return this.#findings
    return [...this.#findings, { path: 'further lines', message: `${this.#more} more findings` }]
  }

  #readHeader(value: Values | null): void {
    if (value?.turnout !== 'backup') return this.#report('$', 'is not the header of a Turnout backup')
    if (value.format !== FORMAT)
      return this.#report('$.format', `is ${String(value.format)}; this Turnout reads format ${FORMAT}`)
    if (this.#passes(CHECKS.header, value)) this.header = value as unknown as Header
  }

  #understand(value: Values): Line {
    if ('record' in value) return this.#record(value)
    if ('begin' in value) return this.#begin(value)
    if ('end' in value) return this.#end(value)
    if ('sha256' in value) return this.#close(value)
    this.#report('$', 'is no line of a backup')
    return null
  }

  #begin(value: Values): Line {
    const name = String(value.begin)
    const object = objectOf(name)
    if (this.#open !== null) this.#report('$.begin', `begins ${name} before ${this.#open.name} has an end`)
    if (object === null) this.#report('$.begin', `there is no object ${JSON.stringify(name)}`)
    else if (!this.header?.holds.includes(name)) this.#report('$.begin', `the header does not name ${name}`)
    else if (this.objects.some((read) => read.name === name))
      this.#report('$.begin', `${name} is there twice`)
    if (object === null || !this.#passes(CHECKS.begin[object.kind], value)) {
      this.#open = null
      return null
    }
    const begin = value as unknown as Begin
    this.#open = { name, check: new ObjectCheck(object.kind, object.environment, begin) }
    return { is: 'begin', object: name, begin }
  }

  #record({ record, ...value }: Values): Line {
    const name = String(record)
    if (this.#open === null) {
      this.#report('$', `is a record of nothing that began`)
      return null
    }
    this.#open.check.record(name, value, this.#report)
    return { is: 'record', object: this.#open.name, record: name, value }
  }

  #end({ end, counts }: Values): Line {
    if (this.#open === null || this.#open.name !== end) {
      this.#report('$.end', `ends ${String(end)}, which did not begin`)
      return null
    }
    const { name, check } = this.#open
    check.end(counts, this.#report)
    this.objects.push({ name, begin: check.begin, counts: check.counts, head: check.head })
    this.#open = null
    return { is: 'end', object: name }
  }

  #close(value: Values): Line {
    if (!this.#passes(CHECKS.closing, value)) return null
    this.closing = value as unknown as Closing
    const { lines, sha256 } = this.closing
    if (lines !== this.#line - 1) this.#report('$.lines', `there are ${this.#line - 1}, and it says ${lines}`)
    if (sha256 !== this.#hash.digest('hex'))
      this.#report('$.sha256', 'is not that of the lines before: the file was changed or damaged')
    return null
  }

  #noObject(): null {
    if (this.#line > 1) this.#report('$', 'is not an object of JSON')
    return null
  }

  #passes(check: (value: unknown, path: string, report: Report) => void, value: Values): boolean {
    let passes = true
    check(value, '$', (path, message) => {
      passes = false
      this.#report(path, message)
    })
    return passes
  }

  readonly #report: Report = (path, message) => {
    this.#find(`line ${this.#line}${path === '$' ? '' : `, ${path}`}`, message)
  }

  #find(path: string, message: string): void {
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push({ path, message })
    else this.#more++
  }
}

function objectIn(text: string): Values | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}
