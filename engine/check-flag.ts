/** Publish checks of one flag: every error with its path. Pure. */
import { bareBoolean, canonicalFlag, DEFAULT_VARIANTS, isShortFlag } from './canonical.ts'
import { type Check, child, type Fields, isObject, listed, type Path } from './check.ts'
import { checkMigration } from './check-migration.ts'
import { checkPercentage, checkRules, checkServe, checkVariant } from './check-rules.ts'
import { checkVariants } from './check-variants.ts'
import { attributePath } from './condition.ts'
import { type CanonicalFlag, FLAG_KINDS, type Flag, type ShortFlag } from './document.ts'
import { checkContinents, checkCountries } from './places.ts'
import { STAGES } from './stages.ts'
import { parseTime } from './time.ts'

/** Checks a flag as written; returns its canonical form, or `null` if anything in it is wrong. */
export function checkFlag(
  check: Check,
  path: Path,
  value: unknown,
  segments: ReadonlySet<string>,
): CanonicalFlag | null {
  const before = check.errorCount
  if (!isObject(value)) {
    check.is(
      path,
      bareBoolean(value) !== null,
      'must be a flag object, true, false, "true" or "false"',
      value,
    )
  } else if (isShortFlag(value)) checkShort(check, path, value)
  else checkFull(check, path, value, segments)
  if (check.errorCount > before) return null
  const flag = canonicalFlag(value as unknown as Flag | ShortFlag)
  if (flag.kind === 'migration' || flag.migration !== undefined) checkMigration(check, path, flag)
  return check.errorCount === before ? flag : null
}

function commonFields(check: Check): Fields {
  const text = (path: Path, value: unknown): unknown => check.string(path, value)
  return {
    description: text,
    owner: text,
    tags: (path, value) => {
      if (check.array(path, value))
        for (const [at, tag] of value.entries()) checkTag(check, child(path, at), tag)
    },
    kind: (path, value) => check.oneOf(path, value, FLAG_KINDS),
    expiresAt: (path, value) =>
      check.is(
        path,
        typeof value === 'string' && parseTime(value) !== null,
        'must be an RFC 3339 date-time',
        value,
      ),
    enabled: (path, value) => check.boolean(path, value),
    prerequisites: (path, value) => checkPrerequisites(check, path, value),
    bucketBy: (path, value) => attributePath(check, path, value),
    salt: (path, value) =>
      check.is(path, typeof value === 'string' && value !== '', 'must be a string that is not empty', value),
    client: (path, value) => check.boolean(path, value),
    metadata: (path, value) => checkMetadata(check, path, value),
  }
}

function checkTag(check: Check, path: Path, tag: unknown): void {
  check.is(
    path,
    typeof tag === 'string' && /^[^\s]{1,128}$/.test(tag),
    'must be a string of 1 to 128 characters without spaces',
    tag,
  )
}

function checkMetadata(check: Check, path: Path, value: unknown): void {
  if (!check.object(path, value)) return
  for (const [name, item] of Object.entries(value)) {
    const scalar = ['string', 'number', 'boolean'].includes(typeof item)
    check.is(child(path, name), scalar && name !== '__proto__', 'must be a string, number or boolean', item)
  }
}

/** Shape only: that flag and variants exist is checked once all flags are known. */
function checkPrerequisites(check: Check, path: Path, value: unknown): void {
  if (!check.array(path, value)) return
  for (const [at, item] of value.entries()) {
    const fields: Fields = {
      flag: (inner, key) => check.string(inner, key),
      variants: (inner, names) => {
        check.strings(inner, names)
        if (Array.isArray(names) && names.length === 0) check.error(inner, 'must name at least one variant')
      },
    }
    check.fields(child(path, at), item, fields, ['flag', 'variants'])
  }
}

/** Fields of a short form that hold it to places. */
const PLACES = ['countries', 'continents', 'regions'] as const

function checkShort(check: Check, path: Path, value: Record<string, unknown>): void {
  const users = (at: Path, list: unknown): void => check.strings(at, list)
  const table: Fields = {
    ...commonFields(check),
    percentage: (at, share) => checkPercentage(check, at, share),
    rolloutPercentage: (at, share) => checkPercentage(check, at, share),
    allowlist: users,
    allowedUsers: users,
    denylist: users,
    countries: (at, list) => checkCountries(check, at, list),
    continents: (at, list) => checkContinents(check, at, list),
    regions: (at, list) => check.strings(at, list),
  }
  check.fields(path, value, table, ['enabled'])
  const allowlist = value.allowlist === undefined ? 'allowedUsers' : 'allowlist'
  const limits = ['percentage', 'rolloutPercentage', ...PLACES]
  if (value[allowlist] !== undefined && limits.every((limit) => value[limit] === undefined)) {
    check.warn(
      child(path, allowlist),
      `the flag is on for everybody, as it has no percentage or place; "percentage": 0 keeps it to the ${allowlist}`,
    )
  }
  const places = PLACES.filter((list) => value[list] !== undefined)
  if (places.length > 0 && places.every((list) => Array.isArray(value[list]) && value[list].length === 0))
    check.warn(
      child(path, places[0]!),
      `the flag is on nowhere, as no place is named; without ${places[0]} it is on everywhere`,
    )
  for (const [one, other] of [
    ['percentage', 'rolloutPercentage'],
    ['allowlist', 'allowedUsers'],
  ] as const) {
    if (value[one] !== undefined && value[other] !== undefined)
      check.error(child(path, other), `"${one}" and "${other}" say the same; give one of them`)
  }
}

function checkFull(
  check: Check,
  path: Path,
  value: Record<string, unknown>,
  segments: ReadonlySet<string>,
): void {
  const variants = new Set(Object.keys(isObject(value.variants) ? value.variants : DEFAULT_VARIANTS))
  const table: Fields = {
    ...commonFields(check),
    variants: (at, map) => checkVariants(check, at, map),
    off: (at, name) => checkVariant(check, at, name, variants),
    rules: (at, list) => checkRules(check, at, list, variants, segments),
    fallthrough: (at, serve) => checkServe(check, at, serve, variants),
    migration: (at, migration) =>
      check.fields(at, migration, {
        pointOfNoReturn: (inner, stage) => check.oneOf(inner, stage, STAGES),
        binds: (inner, binds) => checkBinds(check, inner, binds),
      }),
  }
  check.fields(path, value, table, ['enabled', 'fallthrough'])
  if (value.off === undefined && !variants.has('off')) {
    check.error(
      child(path, 'off'),
      `"off" is required: the flag has no variant named off, only ${listed(variants)}`,
    )
  }
}

/** Shape only, as for prerequisites. */
function checkBinds(check: Check, path: Path, value: unknown): void {
  if (!check.object(path, value)) return
  for (const [key, names] of Object.entries(value)) {
    const at = child(path, key)
    check.strings(at, names)
    if (Array.isArray(names) && names.length === 0) check.error(at, 'must name at least one variant')
  }
}
