/** What a hosted version holds, by type of its profile: the document as a whole, or AppConfig's own feature flags. Pure. */
import { isObject } from '../../../engine/check.ts'
import {
  type CompileIssue,
  err,
  type FlagDocument,
  type Kill,
  ok,
  type Result,
} from '../../../engine/index.ts'
import { completeDocument, presentDocument } from '../../document.ts'
import { parseJson } from '../../json.ts'
import { EMPTY_PROFILE, type Profile } from '../feature-flags/profile.ts'
import { readProfile } from '../feature-flags/read.ts'
import { writeDocument, writeKills } from '../feature-flags/write.ts'
import { readKillCopies } from '../kill-copies.ts'

export interface Content {
  readonly document: FlagDocument
  readonly kills: readonly Kill[]
}

/** `held`: the text that stands there; `null`: none does. What Turnout does not understand of it stays. */
export interface Format {
  read(text: string): Result<Content, readonly CompileIssue[]>
  write(held: string | null, document: FlagDocument): Result<string, readonly CompileIssue[]>
  writeKills(held: string | null, kills: readonly Kill[]): Result<string, readonly CompileIssue[]>
}

/** By type of the profile. `targetingKeys`: context values in AWS's rules that are the targeting key. */
export const formatsWith = (targetingKeys: readonly string[]): Readonly<Record<string, Format>> => ({
  'AWS.Freeform': {
    read(text) {
      const value = parsed(text)
      if (!value.ok) return value
      if (!isObject(value.value))
        return err([{ path: '$', message: 'must be an object: a document, or flags by key' }])
      // An array is no flag: where flags stand by key, one may be named `kills`.
      const { kills = [], ...rest } = Array.isArray(value.value.kills)
        ? value.value
        : { ...value.value, kills: [] }
      const document = Array.isArray(value.value.kills) ? rest : value.value
      const errors: CompileIssue[] = []
      const copies = readKillCopies(kills, errors)
      return errors.length > 0
        ? err(errors)
        : ok({ document: document as unknown as FlagDocument, kills: copies })
    },
    write: (held, document) => ok(freeform(document, killsIn(held))),
    writeKills(held, kills) {
      const content = held === null ? ok({ document: { flags: {} }, kills: [] }) : this.read(held)
      return content.ok ? ok(freeform(content.value.document, kills)) : content
    },
  },
  'AWS.AppConfig.FeatureFlags': {
    read(text) {
      const value = parsed(text)
      return value.ok ? readProfile(value.value, targetingKeys) : value
    },
    write(held, document) {
      const profile = profileIn(held)
      if (!profile.ok) return profile
      const written = writeDocument(profile.value, document, targetingKeys)
      return written.ok ? ok(JSON.stringify(written.value)) : written
    },
    writeKills(held, kills) {
      const profile = profileIn(held)
      return profile.ok ? ok(JSON.stringify(writeKills(profile.value, kills))) : profile
    },
  },
})

const freeform = (document: FlagDocument, kills: readonly Kill[]): string =>
  JSON.stringify(
    { ...presentDocument(completeDocument(document)), ...(kills.length > 0 ? { kills } : {}) },
    null,
    2,
  )

function killsIn(held: string | null): readonly Kill[] {
  if (held === null) return []
  const value = parsed(held)
  return value.ok && isObject(value.value) && Array.isArray(value.value.kills)
    ? readKillCopies(value.value.kills, [])
    : []
}

function profileIn(held: string | null): Result<Profile, readonly CompileIssue[]> {
  if (held === null) return ok(EMPTY_PROFILE)
  const value = parsed(held)
  return value.ok ? ok(value.value as Profile) : value
}

function parsed(text: string): Result<unknown, readonly CompileIssue[]> {
  const value = parseJson(text)
  if (value.ok) return value
  const { line, column, message } = value.error
  return err([{ path: '$', message: `is not JSON in line ${line}, column ${column}: ${message}` }])
}
