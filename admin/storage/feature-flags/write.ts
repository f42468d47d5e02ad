/**
 * A document of Turnout's written into a profile of feature flags. Flags that did not change stay as they are, down to
 * what Turnout does not understand; of those that did, only what changed is written. The outcome is read back, and what
 * does not come out as it went in is refused, with its path. Pure. Never throws.
 */
import { Check, type CompileIssue, child, type Path } from '../../../engine/check.ts'
import {
  bareBoolean,
  err,
  type Flag,
  type FlagDocument,
  isShortFlag,
  type Kill,
  ok,
  type Result,
  type ShortFlag,
} from '../../../engine/index.ts'
import { chunksOf } from './chunks.ts'
import { differenceOf } from './difference.ts'
import { RESERVED, toAppConfigKey } from './key.ts'
import {
  type Definition,
  EMPTY_PROFILE,
  MAX_ATTRIBUTES,
  MAX_TEXT,
  type Profile,
  type Value,
} from './profile.ts'
import { readProfile } from './read.ts'
import { definitionsFor, writeBasic } from './write-basic.ts'
import { type VariantsValue, writeVariants } from './write-variants.ts'

type Draft = { flags: Record<string, Definition>; values: Record<string, Value> }

/** The profile with that document. `profile` must be one that `readProfile` accepts; errors name paths of the document. */
export function writeDocument(
  profile: Profile,
  document: FlagDocument,
  targetingKeys: readonly string[] = [],
): Result<Profile, readonly CompileIssue[]> {
  const before = readProfile(profile, targetingKeys)
  if (!before.ok) return before
  const check = new Check()
  const draft = draftOf(profile)
  for (const key of Object.keys(before.value.document.flags))
    if (!Object.hasOwn(document.flags, key)) remove(draft, toAppConfigKey(key)!)
  for (const [key, written] of Object.entries(document.flags)) {
    const flag = plain(written)
    const known = Object.hasOwn(before.value.document.flags, key)
      ? before.value.document.flags[key]
      : undefined
    if (known === undefined || differenceOf(known, flag) !== null)
      put(check, draft, child(child(null, 'flags'), key), key, flag)
  }
  const { segments = {}, routes = [] } = document
  reserve(draft, 'segments', Object.keys(segments).length === 0 ? null : chunksOf(segments))
  reserve(draft, 'routes', routes.length === 0 ? null : chunksOf(routes))
  if (check.errorCount > 0) return err(check.errors)
  return readBack({ ...profile, ...draft }, document, targetingKeys)
}

/** The profile with copies of these kills and of no others. */
export function writeKills(profile: Profile, kills: readonly Kill[]): Profile {
  const draft = draftOf(profile)
  const texts = kills.map(({ target, variant }) => (variant === undefined ? target : `${target} ${variant}`))
  reserve(draft, 'kills', texts.length === 0 ? null : texts)
  return { ...profile, ...draft }
}

const draftOf = ({ flags = {}, values = {} }: Profile = EMPTY_PROFILE): Draft => ({
  flags: { ...flags },
  values: { ...values },
})

/** A bare flag is one without attributes. */
const plain = (flag: Flag | ShortFlag): Exclude<Flag | ShortFlag, boolean | string> => {
  const bare = bareBoolean(flag)
  return bare === null ? (flag as Exclude<Flag | ShortFlag, boolean | string>) : { enabled: bare }
}

function put(
  check: Check,
  draft: Draft,
  path: Path,
  key: string,
  flag: Exclude<Flag | ShortFlag, boolean | string>,
): void {
  const there = toAppConfigKey(key)
  if (there === null)
    return check.error(
      path,
      'the key is too long for a feature-flag profile, which has room for 64 characters',
    )
  const value = Object.hasOwn(draft.values, there) ? draft.values[there]! : {}
  const definition = Object.hasOwn(draft.flags, there) ? draft.flags[there]! : { name: key.slice(0, 64) }
  if (typeof flag.description === 'string' && flag.description.length > MAX_TEXT)
    check.error(
      child(path, 'description'),
      `must have at most ${MAX_TEXT} characters in a feature-flag profile`,
    )
  const next =
    value._variants === undefined || isShortFlag(flag)
      ? writeBasic(value, flag as unknown as Record<string, unknown>)
      : writeVariants(check, path, value as VariantsValue, flag as Flag)
  if (next === null) return
  draft.values[there] = next
  draft.flags[there] = described(definitionsFor(definition, next), flag.description)
  const attributes = Object.keys(draft.flags[there]!.attributes ?? {}).length
  if (attributes > MAX_ATTRIBUTES)
    check.error(
      path,
      `has ${attributes} attributes; a flag of a feature-flag profile has at most ${MAX_ATTRIBUTES}`,
    )
}

function described(definition: Definition, description: string | undefined): Definition {
  if (definition.description === description) return definition
  const { description: _, ...rest } = definition
  return description === undefined ? rest : { ...rest, description }
}

function remove(draft: Draft, there: string): void {
  delete draft.flags[there]
  delete draft.values[there]
}

/** Sets or removes an attribute of the flag that holds what is no flag; without attributes it is not there. */
function reserve(draft: Draft, name: string, texts: readonly string[] | null): void {
  const { [name]: was, ...rest } = Object.hasOwn(draft.values, RESERVED)
    ? draft.values[RESERVED]!
    : { enabled: true }
  if (texts === null && was === undefined) return
  const value = texts === null ? rest : { ...rest, [name]: texts }
  if (Object.keys(value).every((key) => key === 'enabled' || key.startsWith('_')))
    return remove(draft, RESERVED)
  const definition = draft.flags[RESERVED] ?? {
    name: 'Turnout',
    description: 'Kept by Turnout: kills, segments and routes',
  }
  draft.values[RESERVED] = value
  draft.flags[RESERVED] = definitionsFor(definition, value)
}

function readBack(
  profile: Profile,
  document: FlagDocument,
  targetingKeys: readonly string[],
): Result<Profile, readonly CompileIssue[]> {
  const read = readProfile(profile, targetingKeys)
  if (!read.ok) return read
  const flags = Object.fromEntries(Object.entries(document.flags).map(([key, flag]) => [key, plain(flag)]))
  const difference = differenceOf(read.value.document.flags, flags, child(null, 'flags'))
  if (difference === null) return ok(profile)
  return err([
    {
      path: difference,
      message:
        'cannot be written to a feature-flag profile: change it in AWS, or keep the flags in a freeform profile',
    },
  ])
}
