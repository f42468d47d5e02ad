/**
 * A profile of feature flags as a document of Turnout's, with every error at once and its path in the profile. Basic flags
 * are short forms; flags with variants become flags with rules. Pure. Never throws.
 */
import { Check, type CompileIssue, child, isObject, type Path, show } from '../../../engine/check.ts'
import {
  err,
  type Flag,
  type FlagDocument,
  isKillTarget,
  type Kill,
  ok,
  type Result,
  type ShortFlag,
} from '../../../engine/index.ts'
import { joined } from './chunks.ts'
import { fromAppConfigKey, isAllowedKey, RESERVED } from './key.ts'
import { readBasic } from './read-basic.ts'
import { readVariants } from './read-variants.ts'

export interface ReadProfile {
  readonly document: FlagDocument
  /** Copies of kills that Turnout wrote there. */
  readonly kills: readonly Kill[]
}

/**
 * Of the profile as it is authored, which is what `GetHostedConfigurationVersion` gives. `targetingKeys`: context values in its
 * rules, such as `userId`, that are the targeting key.
 */
export function readProfile(
  content: unknown,
  targetingKeys: readonly string[] = [],
): Result<ReadProfile, readonly CompileIssue[]> {
  const check = new Check()
  const fields = {
    version: (at: Path, version: unknown) => check.is(at, version === '1', 'must be "1"', version),
    flags: (at: Path, flags: unknown) => check.object(at, flags),
    values: (at: Path, values: unknown) => check.object(at, values),
  }
  if (!check.fields(null, content, fields, ['version']) || check.errorCount > 0) return err(check.errors)
  const { flags = {}, values = {} } = content as Record<string, Record<string, unknown>>
  const read: [string, Flag | ShortFlag][] = []
  for (const key of new Set([...Object.keys(flags), ...Object.keys(values)])) {
    if (key === RESERVED) continue
    const at = child(child(null, 'values'), key)
    check.is(
      at,
      isAllowedKey(key),
      'key must begin with a-z and have at most 64 letters, digits, "_" or "-"',
      key,
    )
    const flag = readFlag(check, at, own(values, key) ?? {}, targetingKeys)
    if (flag !== null) read.push([fromAppConfigKey(key), { ...flag, ...descriptionOf(own(flags, key)) }])
  }
  const rest = readReserved(check, child(child(null, 'values'), RESERVED), own(values, RESERVED))
  if (check.errorCount > 0) return err(check.errors)
  return ok({
    document: { flags: Object.fromEntries(read) as FlagDocument['flags'], ...rest.document },
    kills: rest.kills,
  })
}

function readFlag(
  check: Check,
  path: Path,
  value: unknown,
  targetingKeys: readonly string[],
): Flag | (ShortFlag & object) | null {
  if (!check.object(path, value)) return null
  if (value.enabled !== undefined && !check.boolean(child(path, 'enabled'), value.enabled)) return null
  return value._variants === undefined
    ? readBasic(check, path, value)
    : readVariants(check, path, value, targetingKeys)
}

const descriptionOf = (definition: unknown): { description?: string } =>
  isObject(definition) && typeof definition.description === 'string'
    ? { description: definition.description }
    : {}

/** What Turnout keeps there beside flags. */
function readReserved(
  check: Check,
  path: Path,
  value: unknown,
): { document: Partial<FlagDocument>; kills: Kill[] } {
  const { kills = [], segments, routes } = isObject(value) ? value : {}
  const document = {
    ...part(check, child(path, 'segments'), 'segments', segments),
    ...part(check, child(path, 'routes'), 'routes', routes),
  }
  const at = child(path, 'kills')
  return { document, kills: check.array(at, kills) ? readKills(check, at, kills) : [] }
}

/** `TARGET` or `TARGET VARIANT`. */
function readKills(check: Check, path: Path, texts: readonly unknown[]): Kill[] {
  const kills: Kill[] = []
  for (const [index, text] of texts.entries()) {
    const [target = '', variant, ...more] = String(text).split(' ')
    if (!isKillTarget(target) || more.length > 0)
      check.error(
        child(path, index),
        `must be a kill's target, and perhaps a variant behind it, got ${show(text)}`,
      )
    else kills.push(variant === undefined ? { target } : { target, variant })
  }
  return kills
}

function part(check: Check, path: Path, name: 'segments' | 'routes', chunks: unknown): Partial<FlagDocument> {
  if (chunks === undefined) return {}
  const value = joined(chunks)
  if (value.ok) return { [name]: value.value } as Partial<FlagDocument>
  check.error(path, value.error)
  return {}
}

const own = (map: Record<string, unknown>, key: string): unknown =>
  Object.hasOwn(map, key) ? map[key] : undefined
