/**
 * What of a flag belongs to its environment. The flag in the target names these parts in its metadata, e.g.
 * `"local": "allowlist, enabled, rules.beta-testers"`, and keeps them, and the mark itself, whatever is copied over it. A
 * part that it does not have stays absent. Pure.
 */
import {
  bareBoolean,
  err,
  type Flag,
  isShortFlag,
  ok,
  type Result,
  type Rule,
  type ShortFlag,
} from '../../engine/index.ts'

/** Name in a flag's metadata: comma-separated fields, or `rules.ID`. */
const LOCAL_PARTS = 'local'

type Written = Flag | ShortFlag
type Fields = Record<string, unknown>

export interface Merged {
  readonly flag: Written
  /** Rules of it that are the source's. */
  readonly copied: readonly Rule[]
  /** Parts that are the target's. */
  readonly kept: readonly string[]
}

/** Fields that say the same are one part. */
const SPELLINGS = [
  ['allowlist', 'allowedUsers'],
  ['percentage', 'rolloutPercentage'],
]
/** Which form of a flag has a field. */
const FORMS = new Map<string, 'short' | 'full' | 'both'>(
  Object.entries({
    ...{ percentage: 'short', rolloutPercentage: 'short', allowlist: 'short', allowedUsers: 'short' },
    ...{ denylist: 'short', countries: 'short', continents: 'short', regions: 'short' },
    ...{ variants: 'full', off: 'full', rules: 'full', fallthrough: 'full', migration: 'full' },
    ...{ description: 'both', owner: 'both', tags: 'both', kind: 'both', expiresAt: 'both' },
    ...{ enabled: 'both', prerequisites: 'both', bucketBy: 'both', salt: 'both', client: 'both' },
    metadata: 'both',
  } satisfies Record<keyof Flag | keyof Extract<ShortFlag, object>, 'short' | 'full' | 'both'>),
)
const RULE = 'rules.'

/** The source's flag with the local parts of the target's. Fails with a sentence for each part that cannot be kept. */
export function withLocalParts(source: Written, target: Written | undefined): Result<Merged, string[]> {
  const fields = fieldsOf(source)
  if (target === undefined) return ok({ flag: source, copied: rulesOf(fields), kept: [] })
  const own = fieldsOf(target)
  const mark = markOf(own)
  const parts = partsOf(mark)
  const problems = parts.flatMap(
    (part) => problemOf(part, own, isShortFlag(source) === isShortFlag(target)) ?? [],
  )
  if (problems.length > 0) return err(problems)
  if (mark === undefined && markOf(fields) === undefined)
    return ok({ flag: source, copied: rulesOf(fields), kept: [] })

  const merged = withMark(fields, mark)
  const ids = parts.filter((part) => part.startsWith(RULE)).map((part) => part.slice(RULE.length))
  if (ids.length > 0) keep(merged, 'rules', mergedRules(rulesOf(fields), rulesOf(own), new Set(ids)))
  for (const part of parts.filter((each) => !each.startsWith(RULE)))
    for (const name of SPELLINGS.find((names) => names.includes(part)) ?? [part])
      keep(merged, name, own[name])
  const theirs = new Set(rulesOf(fields))
  const copied = rulesOf(merged).filter((rule) => theirs.has(rule))
  return ok({ flag: merged as unknown as Flag, copied, kept: parts })
}

/** A flag as an object. */
const fieldsOf = (flag: Written): Fields => {
  const bare = bareBoolean(flag)
  return bare === null ? { ...(flag as unknown as Fields) } : { enabled: bare }
}

const rulesOf = (fields: Fields): readonly Rule[] => (fields.rules as Rule[] | undefined) ?? []

function markOf({ metadata }: Fields): string | undefined {
  const mark = new Map(Object.entries((metadata as Fields | undefined) ?? {})).get(LOCAL_PARTS)
  return mark === undefined ? undefined : String(mark)
}

const partsOf = (mark = ''): string[] => [
  ...new Set(
    mark
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
]

function problemOf(part: string, own: Fields, sameForm: boolean): string | null {
  if (!FORMS.has(part) && !(part.startsWith(RULE) && part.length > RULE.length))
    return `the target names "${part}" in its metadata "${LOCAL_PARTS}", which is neither a field of a flag nor rules.ID`
  const formed = part.startsWith(RULE) || FORMS.get(part) !== 'both'
  if (sameForm || !formed || !isThere(part, own)) return null
  return `the target keeps its own "${part}", but one of the two flags is a short form and the other is written with rules`
}

const isThere = (part: string, own: Fields): boolean =>
  part.startsWith(RULE)
    ? rulesOf(own).some(({ id }) => id === part.slice(RULE.length))
    : (SPELLINGS.find((names) => names.includes(part)) ?? [part]).some((name) => own[name] !== undefined)

/** The source's mark says what is local there: it is not copied. */
function withMark({ metadata, ...fields }: Fields, mark: string | undefined): Fields {
  const { [LOCAL_PARTS]: _, ...others } = (metadata as Fields | undefined) ?? {}
  const own = mark === undefined ? others : { ...others, [LOCAL_PARTS]: mark }
  return Object.keys(own).length === 0 ? fields : { ...fields, metadata: own }
}

function keep(fields: Fields, name: string, value: unknown): void {
  if (value === undefined) delete fields[name]
  else fields[name] = value
}

/** Local rules stand where the source has one of that id; else behind the rule behind which they stand in the target. */
function mergedRules(source: readonly Rule[], target: readonly Rule[], ids: ReadonlySet<string>): Rule[] {
  const own = new Map(target.filter(({ id }) => ids.has(id)).map((rule) => [rule.id, rule]))
  const merged = source.flatMap((rule) => (ids.has(rule.id) ? (own.get(rule.id) ?? []) : rule))
  const places = new Map(merged.map(({ id }, at) => [id, at]))
  /** Rules to stand behind the one at a place, −1: at the beginning. */
  const behind = new Map<number, Rule[]>()
  let last = -1
  for (const rule of target) {
    const place = places.get(rule.id)
    if (place !== undefined) last = Math.max(last, place)
    else if (ids.has(rule.id)) {
      const others = behind.get(last)
      if (others) others.push(rule)
      else behind.set(last, [rule])
    }
  }
  return [...(behind.get(-1) ?? []), ...merged.flatMap((rule, at) => [rule, ...(behind.get(at) ?? [])])]
}
