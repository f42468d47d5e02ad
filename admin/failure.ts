/**
 * Expected failures of the control plane, as plain data that crosses RPC. api/problem.ts maps each to its status.
 */
import { type CompileIssue, err } from '../engine/index.ts'
import type { Approval } from './storage/approvals.ts'

export type Failure =
  | { reason: 'environment-unknown' }
  /** `what` is a noun ("flag"); `nearest` a known name that looks like `key`. */
  | { reason: 'unknown'; what: string; key: string; nearest: string | null }
  /** The precondition names another version than `current`; `null`: the thing does not exist. */
  | { reason: 'stale'; what: string; key: string; current: number | null }
  /** `If-None-Match: *`, and the thing is there. */
  | { reason: 'exists'; what: string; key: string; current: number }
  /** Text that is not JSON; line and column count from 1. */
  | { reason: 'malformed'; line: number; column: number; message: string }
  | { reason: 'invalid'; what: string; errors: readonly CompileIssue[] }
  /** It may not be done now, as things stand. `retryAtMs`: when it may be, ms since 1970, if that is known. */
  | { reason: 'conflict'; kind: Conflict; detail: string; retryAtMs: number | null }
  /** A migration would not move as migrations may. */
  | { reason: 'stage-order'; errors: readonly CompileIssue[] }
  /** AWS, where the document lives, did not take the change; nothing was changed. */
  | { reason: 'store-unavailable'; detail: string }
  /** What is stored of the document is damaged. */
  | { reason: 'unreadable'; detail: string }
  /** This caller may not do it, whatever the role. */
  | { reason: 'refused'; detail: string }
  /** Nothing has failed yet: others must approve first. */
  | { reason: 'approval-needed'; approval: Approval }

const CONFLICTS = [
  'frozen',
  'outside-window',
  'not-pending',
  'changed-since',
  'store-changed',
  'store-busy',
] as const
export type Conflict = (typeof CONFLICTS)[number]

/** The arm of an answer that holds a failure. */
export type Failed = { ok: false; error: Failure }

export const failed = (failure: Failure): Failed => err(failure)

/** One field is wrong. */
export const invalid = (what: string, path: string, message: string): Failed =>
  failed({ reason: 'invalid', what, errors: [{ path, message }] })

export const conflict = (kind: Conflict, detail: string, retryAtMs: number | null = null): Failed =>
  failed({ reason: 'conflict', kind, detail, retryAtMs })

/** Why a change was not made, as the end of a sentence, for who hears of it later than the caller. */
export function sentenceOf(failure: Failure): string {
  switch (failure.reason) {
    case 'invalid':
    case 'stage-order':
      return failure.errors.map(({ path, message }) => `${path} ${message}`).join('; ')
    case 'unknown':
      return `there is no ${failure.what} ${JSON.stringify(failure.key)}`
    case 'conflict':
    case 'refused':
    case 'store-unavailable':
    case 'unreadable':
      return failure.detail
    default:
      return failure.reason
  }
}
