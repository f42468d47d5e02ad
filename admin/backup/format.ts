/**
 * The form of a backup: NDJSON. A header; of each object a line that begins it, its records, and a line that ends it and
 * counts them; and a closing line with the SHA-256 of everything before it, so that a file that was cut or changed is
 * refused. Pure.
 */
import { type Check, type Checked, fields, flag, listOf, nullable, sha256, text, whole } from './fields.ts'
import { type ObjectKind, RECORDS, type RecordName } from './records.ts'

/** Of the file, not of Turnout: raised by a change that earlier readers could not read. */
export const FORMAT = 1

/** First line. */
const HEADER = fields({
  turnout: text,
  format: whole,
  /** RFC 3339 */
  madeAt: text,
  /** Version of Turnout that made it; `null`: it does not know. */
  release: nullable(text),
  /** Names of the objects that follow, in their order: `access`, `webhooks`, `environment:NAME`. */
  holds: listOf(text),
})
export type Header = Checked<typeof HEADER>

/** Where an environment stood. */
const ENVIRONMENT = {
  /** False: it was deleted, and all that is left is its log. */
  live: flag,
  epoch: whole,
  version: whole,
  kills: whole,
  createdAtMs: whole,
}
const BEGIN: Readonly<Record<ObjectKind, Check<unknown>>> = {
  access: fields({ begin: text }),
  webhooks: fields({ begin: text }),
  environment: fields({ begin: text, ...ENVIRONMENT }),
}
export type EnvironmentBegin = { readonly begin: string } & {
  readonly [Name in keyof typeof ENVIRONMENT]: Checked<(typeof ENVIRONMENT)[Name]>
}
export type Begin = { readonly begin: string } | EnvironmentBegin

export interface End {
  readonly end: string
  readonly counts: Readonly<Record<string, number>>
}

/** Last line. */
const CLOSING = fields({ lines: whole, sha256 })
export type Closing = Checked<typeof CLOSING>

/** An object of a backup by its name. `null`: there is none of that name. */
export function objectOf(name: string): { kind: ObjectKind; environment: string | null } | null {
  if (name === 'access' || name === 'webhooks') return { kind: name, environment: null }
  const [, environment] = /^environment:(.+)$/s.exec(name) ?? []
  return environment === undefined ? null : { kind: 'environment', environment }
}

export const nameOfEnvironment = (environment: string): string => `environment:${environment}`

export const headerLine = (header: Omit<Header, 'turnout' | 'format'>): string =>
  line({ turnout: 'backup', format: FORMAT, ...header })

export const beginLine = (begin: Begin): string => line(begin)

export const recordLine = (record: RecordName, value: object): string => line({ record, ...value })

export const endLine = (end: End): string => line(end)

export const closingLine = (closing: Closing): string => line(closing)

/** The checks of lines by what they are; those of records are in records.ts. */
export const CHECKS = { header: HEADER, begin: BEGIN, closing: CLOSING, records: RECORDS } as const

const line = (value: object): string => `${JSON.stringify(value)}\n`
