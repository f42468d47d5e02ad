/** Edits of a document as data, and what each makes of it. Pure. Whether the outcome is valid, `compile` says. */

import { isObject } from '../engine/check.ts'
import { bareBoolean, type Name, ok, type Result, type Route, type Serve } from '../engine/index.ts'
import type { Action } from './audit/actions.ts'
import { type Document, type EntityKind, entityOf, keysOf, movedBefore, withEntity } from './document.ts'
import { type Failure, failed, invalid } from './failure.ts'
import { parseJson } from './json.ts'
import { mergePatch } from './merge-patch.ts'
import { nearest } from './nearest.ts'
import { type SplitOf, servedBefore, serving } from './split.ts'

/** `text` is JSON as it came: parsed here, once. */
export type Edit =
  | { readonly do: 'put-document'; readonly text: string }
  | { readonly do: 'patch-flags'; readonly text: string }
  /** Flags by key become what is given; `null` removes. */
  | { readonly do: 'set-flags'; readonly text: string }
  | {
      readonly do: 'put' | 'patch'
      readonly kind: EntityKind
      readonly key: string
      readonly text: string
      /** Of a route that is put: right before this one. */
      readonly before?: string
    }
  | { readonly do: 'remove'; readonly kind: EntityKind; readonly key: string }
  | { readonly do: 'toggle'; readonly key: string; readonly enabled: boolean }
  /** What those get whom no rule takes. `from`: the variant that they must be getting now; `null`: any. */
  | { readonly do: 'serve'; readonly of: SplitOf; readonly serve: Serve; readonly from: Name | null }
  /** As in the newest earlier version that served something else. */
  | { readonly do: 'serve-previous'; readonly of: SplitOf }

/** What the edit makes of the document: a value for `compile`, which for `put-document` may be anything. */
export interface Outcome {
  readonly document: unknown
  /** The flags, segments or routes whose new state the editor gets back. */
  readonly kind: EntityKind
  readonly keys: readonly string[]
}

/** Earlier texts of a flag, newest first. */
export type History = (flag: string) => Iterable<string>

/** Of one flag, by its key. */
export type FlagEdit = Extract<Edit, { do: 'put' | 'patch' } | { do: 'toggle' }>

export const isFlagEdit = (edit: Edit): edit is FlagEdit =>
  edit.do === 'toggle' || ((edit.do === 'put' || edit.do === 'patch') && edit.kind === 'flag')

/** What such an edit makes of a flag that is there. */
export function editedFlag(flag: unknown, edit: FlagEdit): Result<unknown, Failure> {
  switch (edit.do) {
    case 'put':
      return parsed(edit.text, ok)
    case 'patch':
      return parsed(edit.text, (patch) => ok(patched('flag', flag, patch)))
    case 'toggle':
      return ok(toggled(flag, edit.enabled))
  }
}

export function applyEdit(document: Document, edit: Edit, history: History): Result<Outcome, Failure> {
  switch (edit.do) {
    case 'put-document':
      return parsed(edit.text, (value) => ok({ document: value, kind: 'flag', keys: [] }))
    case 'patch-flags':
      return parsed(edit.text, (patch) => patchFlags(document, patch))
    case 'set-flags':
      return parsed(edit.text, (flags) => setFlags(document, flags as Record<string, unknown>))
    case 'put':
      return parsed(edit.text, (value) => {
        const outcome = put(document, edit.kind, edit.key, value)
        return outcome.ok && edit.before !== undefined
          ? placed(outcome.value, edit.key, edit.before)
          : outcome
      })
    case 'patch':
      return existing(document, edit.kind, edit.key, (entity) =>
        parsed(edit.text, (patch) => put(document, edit.kind, edit.key, patched(edit.kind, entity, patch))),
      )
    case 'remove':
      return existing(document, edit.kind, edit.key, () =>
        ok({ document: withEntity(document, edit.kind, edit.key, undefined), kind: edit.kind, keys: [] }),
      )
    case 'toggle':
      return existing(document, 'flag', edit.key, (flag) => {
        const edited = editedFlag(flag, edit)
        return edited.ok ? put(document, 'flag', edit.key, edited.value) : edited
      })
    case 'serve':
      return served(document, edit.of, ({ key, flag }) => serving(key, flag, edit.serve, edit.from))
    case 'serve-previous':
      return served(document, edit.of, ({ key, flag }) => {
        const serve = servedBefore(key, flag, history(key))
        return serve.ok ? serving(key, flag, serve.value, null) : serve
      })
  }
}

/** What the audit log calls the edit; `creates`: its subject was not there before. */
export function actionOf(edit: Edit, creates: boolean): { action: Action; subject: string } {
  switch (edit.do) {
    case 'put-document':
      return { action: 'document.replaced', subject: 'document' }
    case 'patch-flags':
    case 'set-flags':
      return { action: 'flags.updated', subject: 'document' }
    case 'put':
      return {
        action: `${edit.kind}.${creates ? 'created' : 'updated'}`,
        subject: `${edit.kind}:${edit.key}`,
      }
    case 'patch':
      return { action: `${edit.kind}.updated`, subject: `${edit.kind}:${edit.key}` }
    case 'remove':
      return { action: `${edit.kind}.deleted`, subject: `${edit.kind}:${edit.key}` }
    case 'toggle':
      return { action: edit.enabled ? 'flag.enabled' : 'flag.disabled', subject: `flag:${edit.key}` }
    case 'serve':
      return splitAct(edit.of, typeof edit.serve === 'string' ? 'switched' : 'shifted')
    case 'serve-previous':
      return splitAct(edit.of, 'shifted-back')
  }
}

const splitAct = ({ kind, key }: SplitOf, what: 'switched' | 'shifted' | 'shifted-back') => ({
  action: `${kind}.${what}` as const,
  subject: `${kind}:${key}`,
})

/** The flag, by itself or by its route, with what `next` makes of it. */
function served(
  document: Document,
  { kind, key }: SplitOf,
  next: (named: { key: string; flag: unknown }) => Result<unknown, Failure>,
): Result<Outcome, Failure> {
  if (kind === 'route')
    return existing(document, 'route', key, (route) =>
      served(document, { kind: 'flag', key: (route as Route).flag }, next),
    )
  return existing(document, 'flag', key, (flag) => {
    const made = next({ key, flag })
    return made.ok ? put(document, 'flag', key, made.value) : made
  })
}

function put(document: Document, kind: EntityKind, key: string, value: unknown): Result<Outcome, Failure> {
  const named = kind === 'route' ? withOwnId(key, value) : ok(value)
  return named.ok ? ok({ document: withEntity(document, kind, key, named.value), kind, keys: [key] }) : named
}

/** The route where it shall be: the first that matches takes a request. */
function placed(outcome: Outcome, id: string, before: string): Result<Outcome, Failure> {
  const document = outcome.document as Document
  const others = keysOf(document, 'route').filter((key) => key !== id)
  if (others.includes(before)) return ok({ ...outcome, document: movedBefore(document, id, before) })
  const near = nearest(before, others)
  const hint = near === null ? '' : `; did you mean ${JSON.stringify(near)}?`
  return invalid('route', 'query.before', `there is no other route ${JSON.stringify(before)}${hint}`)
}

/** A route's body may leave its id to the address; one that says another id is a mistake. */
function withOwnId(id: string, value: unknown): Result<unknown, Failure> {
  if (!isObject(value)) return ok(value)
  if (value.id === undefined) return ok({ id, ...value })
  return value.id === id
    ? ok(value)
    : invalid('route', '$.id', `must be "${id}", as in the address, or be left out`)
}

/** A key's patch changes or adds that flag, `null` removes it. */
function patchFlags(document: Document, patch: unknown): Result<Outcome, Failure> {
  if (!isObject(patch))
    return invalid('patch', '$', 'must be an object of flag keys, each with its merge patch')
  const flags = new Map<string, unknown>(Object.entries(document.flags))
  const keys: string[] = []
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) flags.delete(key)
    else {
      flags.set(key, patched('flag', flags.get(key), change))
      keys.push(key)
    }
  }
  return ok({ document: { ...document, flags: Object.fromEntries(flags) }, kind: 'flag', keys })
}

function setFlags(document: Document, given: Readonly<Record<string, unknown>>): Result<Outcome, Failure> {
  const flags = new Map<string, unknown>(Object.entries(document.flags))
  for (const [key, flag] of Object.entries(given))
    if (flag === null) flags.delete(key)
    else flags.set(key, flag)
  const keys = Object.keys(given).filter((key) => flags.has(key))
  return ok({ document: { ...document, flags: Object.fromEntries(flags) }, kind: 'flag', keys })
}

/** A bare flag (`true`, `"false"`) first becomes `{ enabled }`. */
export function patched(kind: EntityKind, entity: unknown, patch: unknown): unknown {
  const state = kind === 'flag' && isObject(patch) ? bareBoolean(entity) : null
  return mergePatch(state === null ? entity : { enabled: state }, patch)
}

/** The flag with its switch set, in the form it is written in. */
function toggled(flag: unknown, enabled: boolean): unknown {
  if (typeof flag === 'boolean') return enabled
  if (typeof flag === 'string') return String(enabled)
  return { ...(flag as object), enabled }
}

function existing(
  document: Document,
  kind: EntityKind,
  key: string,
  next: (entity: unknown) => Result<Outcome, Failure>,
): Result<Outcome, Failure> {
  const entity = entityOf(document, kind, key)
  if (entity !== undefined) return next(entity)
  return failed({ reason: 'unknown', what: kind, key, nearest: nearest(key, keysOf(document, kind)) })
}

function parsed<T>(text: string, next: (value: unknown) => Result<T, Failure>): Result<T, Failure> {
  const value = parseJson(text)
  return value.ok ? next(value.value) : failed({ reason: 'malformed', ...value.error })
}
