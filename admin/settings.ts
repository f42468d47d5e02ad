/** An environment's settings and SDK keys: what its snapshot holds beside the document. Plain data. */
import type { Access } from '../engine/index.ts'
import type { Action } from './audit/actions.ts'
import type { AuditRecord } from './audit/entry.ts'

export interface Settings {
  /** Everybody may evaluate every flag; local runs only. */
  readonly open: boolean
  /** Host names of the environment's own edge, refused as origins. */
  readonly edgeHosts: readonly string[]
  /** How much depends on it: 1 is the most. For people and rollouts over several environments. */
  readonly tier: number | null
  /** Where its flags are promoted to by default. */
  readonly promotesTo: string | null
  /** How many others must approve a change that raises exposure; 0: nobody. */
  readonly approvals: number
  /** How often a drill measures how fast a kill lands; `null`: only on demand. */
  readonly drillEveryMinutes: number | null
}

export const DEFAULT_SETTINGS: Settings = {
  open: false,
  edgeHosts: [],
  tier: null,
  promotesTo: null,
  approvals: 0,
  drillEveryMinutes: null,
}

/** An environment as people see it. */
export interface Description extends Settings {
  readonly name: string
  readonly epoch: number
  /** Version of the current snapshot and document. */
  readonly version: number
  /** Version of the kill list. */
  readonly killsVersion: number
  /** Version in which the settings last changed. */
  readonly revision: number
  /** ms since 1970 */
  readonly createdAtMs: number
}

export interface SdkKey {
  readonly id: string
  /** SHA-256 of the key's text, lower-case hex; the text itself is stored nowhere. */
  readonly hash: string
  readonly kind: 'client' | 'server'
  /** What it is for, in its maker's words. */
  readonly name: string
  /** ms since 1970 */
  readonly createdAtMs: number
}

/** Who makes a change, why, and by which request. */
export interface Author {
  readonly actor: string
  /** Who made the actor's token (`Principal`); not in the audit log. */
  readonly maker?: string
  readonly reason: string | null
  readonly requestId: string | null
  /** Address of the caller; `null`: unknown, or the system itself. */
  readonly address: string | null
  /** What else the audit log says of the change: who approved it, that it broke the glass, … */
  readonly details?: AuditRecord['details']
}

/** The control plane acting by itself: expiries, schedules, recovery. */
export const system = (reason: string | null): Author => ({
  actor: 'turnout',
  reason,
  requestId: null,
  address: null,
})

/** A change with its author, as the audit log names it. */
export interface Act {
  /** `flag.updated`, `kill.placed`, … */
  readonly action: Action
  /** `flag:new-feature`, `document`, … */
  readonly subject: string
  readonly author: Author
  /** Traffic goes back: what edges keep of responses from before is not used any more. */
  readonly takesBack?: boolean
}

/** `{project}.{env}`, or `{env}` in the default project. */
export const ENVIRONMENT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}(?:\.[a-z0-9][a-z0-9_-]{0,62})?$/

/** Most SDK keys of one environment. */
export const MAX_KEYS = 100

/** Who may evaluate, as the snapshot says it. An environment is open only in a local run, whatever is stored. */
export const accessOf = (settings: Settings, keys: readonly SdkKey[], local: boolean): Access => ({
  open: settings.open && local,
  keys: keys.map(({ hash, kind }) => ({ hash, kind })),
})
