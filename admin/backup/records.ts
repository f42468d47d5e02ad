/**
 * What a backup says of each thing: one record a line. Secrets are in it as hashes only, and those of webhooks not at all.
 * Times are ms since 1970. Pure.
 */
import { isKillTarget, type KillTarget } from '../../engine/index.ts'
import {
  anyObject,
  type Check,
  type Checked,
  counted,
  fields,
  flag,
  known,
  listOf,
  mapOf,
  matching,
  nullable,
  oneOf,
  sha256,
  text,
  whole,
} from './fields.ts'

const scope = { projects: nullable(listOf(text)), environments: nullable(listOf(text)) }
const role = oneOf(['viewer', 'operator', 'editor', 'admin'])

const audit = fields({ text, previousHash: sha256, hash: sha256 })

const vote = fields({ actor: text, maker: nullable(text), at: text, note: nullable(text) })
const touched = fields({
  kind: oneOf(['flag', 'segment', 'route', 'settings', 'kill']),
  key: text,
  since: nullable(whole),
})

const approval = fields({
  n: counted,
  createdAtMs: whole,
  expiresAtMs: whole,
  status: oneOf(['pending', 'applied', 'rejected', 'cancelled', 'stale', 'failed', 'expired']),
  actor: text,
  maker: nullable(text),
  reason: nullable(text),
  action: text,
  subject: text,
  needed: whole,
  votes: listOf(vote),
  raising: listOf(text),
  touched: listOf(touched),
  decidedAtMs: nullable(whole),
  decidedBy: nullable(text),
  note: nullable(text),
  version: nullable(whole),
})

/** `before`: the flags as they were, of one that is to be taken back. */
const schedule = fields({
  n: counted,
  status: oneOf(['waiting', 'applied', 'done', 'reverted', 'failed', 'cancelled']),
  createdAtMs: whole,
  atMs: whole,
  untilMs: nullable(whole),
  actor: text,
  reason: nullable(text),
  approval: nullable(whole),
  text,
  version: nullable(whole),
  outcome: nullable(text),
  revertedVersion: nullable(whole),
  problem: nullable(text),
  before: nullable(mapOf(nullable(text))),
})

/** Records by the kind of object that has them. */
export const RECORDS = {
  access: {
    audit,
    token: fields({
      id: text,
      name: text,
      hash: sha256,
      role,
      ...scope,
      createdAtMs: whole,
      createdBy: text,
      expiresAtMs: nullable(whole),
      revokedAtMs: nullable(whole),
      lastUsedAtMs: nullable(whole),
    }),
    person: fields({
      id: text,
      role,
      ...scope,
      createdAtMs: whole,
      createdBy: text,
      lastUsedAtMs: nullable(whole),
    }),
  },
  webhooks: {
    audit,
    webhook: fields({
      id: text,
      name: text,
      format: oneOf(['json', 'slack', 'pagerduty']),
      host: matching((host) => URL_HOST.test(host), 'must be a host name, perhaps with a port'),
      events: listOf(text),
      environments: listOf(text),
      enabled: flag,
      createdAtMs: whole,
      createdBy: text,
    }),
  },
  environment: {
    audit,
    kill: fields({
      target: matching<KillTarget>(isKillTarget, 'must be the target of a kill, such as flag:KEY'),
      variant: nullable(text),
      reason: text,
      actor: text,
      createdAtMs: whole,
      expiresAtMs: nullable(whole),
      onExpiry: oneOf(['restore', 'extend']),
    }),
    label: fields({ label: text, version: counted }),
    approval,
    /** What an approval is about, as it was asked for. */
    proposal: fields({ n: counted, change: anyObject }),
    schedule,
    window: fields({
      n: counted,
      days: listOf(oneOf(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])),
      from: text,
      to: text,
      timeZone: text,
      reason: nullable(text),
    }),
    freeze: fields({
      n: counted,
      reason: text,
      fromMs: whole,
      toMs: nullable(whole),
      actor: text,
    }),
    review: fields({
      seq: counted,
      openedAtMs: whole,
      action: text,
      subject: text,
      actor: text,
      reason: nullable(text),
      closedAtMs: nullable(whole),
      closedBy: nullable(text),
      note: nullable(text),
    }),
    /** A flag, segment, route, … from version `since` up to, not including, `until`. */
    entity: fields({
      kind: oneOf(['flag', 'segment', 'route', 'route-order', 'settings', 'sdk-key']),
      key: text,
      since: counted,
      until: nullable(counted),
      hash: sha256,
      changedAtMs: nullable(whole),
    }),
    /** The JSON text of entities with that hash. */
    body: fields({ hash: sha256, text }),
    version: fields({
      version: counted,
      epoch: counted,
      createdAtMs: whole,
      actor: text,
      reason: nullable(text),
    }),
  },
} as const satisfies Record<string, Readonly<Record<string, Check<unknown>>>>

export type ObjectKind = keyof typeof RECORDS

/** Names of the records of an object. */
export type RecordName<K extends ObjectKind = ObjectKind> = K extends ObjectKind
  ? keyof (typeof RECORDS)[K] & string
  : never

/** What a record of that name holds. */
export type RecordOf<K extends ObjectKind, N extends RecordName<K>> = Checked<(typeof RECORDS)[K][N]>

/** Entities that are no part of the document, which `compile` checks: what their texts hold. */
export const TEXTS: Readonly<Record<'settings' | 'sdk-key', Check<unknown>>> = {
  settings: known({
    open: flag,
    edgeHosts: listOf(text),
    tier: nullable(whole),
    promotesTo: nullable(text),
    approvals: whole,
    drillEveryMinutes: nullable(whole),
  }),
  'sdk-key': fields({
    id: text,
    hash: sha256,
    kind: oneOf(['client', 'server']),
    name: text,
    createdAtMs: whole,
  }),
}

/** Which field names a record among its like; those without one may repeat. */
export const UNIQUE: Readonly<Partial<Record<RecordName, string>>> = {
  token: 'id',
  person: 'id',
  webhook: 'id',
  kill: 'target',
  label: 'label',
  approval: 'n',
  proposal: 'n',
  schedule: 'n',
  window: 'n',
  freeze: 'n',
  review: 'seq',
  body: 'hash',
  version: 'version',
}

const URL_HOST = /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
