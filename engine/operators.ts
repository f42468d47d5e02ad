/**
 * The condition operators, as two tables over one list: what an operator means (`predicates`, used by `prepare`) and
 * which operands it takes (`operands`, used by `compile`). A new operator is one name and one row in each. Pure; every
 * predicate is total: a value of another type is simply false. Source: docs/evaluation.md, "Operators".
 */
import { show } from './check.ts'
import { isCidr } from './cidr.ts'
import { own } from './context.ts'
import type { JsonValue } from './document.ts'
import { glob } from './glob.ts'
import { inCidr, parseAddress, parseCidr } from './ip.ts'
import { patternProblem } from './pattern.ts'
import { compareSemver, parseSemver, type Semver } from './semver.ts'
import { parseTime } from './time.ts'

export const OPERATORS = [
  'equals',
  'in',
  'contains',
  'startsWith',
  'endsWith',
  'glob',
  'matches',
  'lt',
  'lte',
  'gt',
  'gte',
  'before',
  'after',
  'semverEq',
  'semverLt',
  'semverLte',
  'semverGt',
  'semverGte',
  'cidr',
  'near',
  'exists',
] as const
export type Operator = (typeof OPERATORS)[number]

export type Predicate = (actual: unknown) => boolean

/** Longest input of `matches`, in UTF-16 code units; the rest is cut off. */
const MATCHES_INPUT = 1024

const text =
  (make: (operand: string) => (actual: string) => boolean) =>
  (operand: JsonValue): Predicate => {
    const test = make(operand as string)
    return (actual) => typeof actual === 'string' && test(actual)
  }

const number =
  (test: (actual: number, operand: number) => boolean) =>
  (operand: JsonValue): Predicate =>
  (actual) =>
    typeof actual === 'number' && test(actual, operand as number)

const time =
  (test: (actual: number, operand: number) => boolean) =>
  (operand: JsonValue): Predicate => {
    const limit = parseTime(operand as string)!
    return (actual) => {
      const at = typeof actual === 'string' ? parseTime(actual) : null
      return at !== null && test(at, limit)
    }
  }

const semver =
  (test: (order: number) => boolean) =>
  (operand: JsonValue): Predicate => {
    const limit = parseSemver(operand as string) as Semver
    return (actual) => {
      const version = typeof actual === 'string' ? parseSemver(actual) : null
      return version !== null && test(compareSemver(version, limit))
    }
  }

const EARTH_RADIUS_KM = 6371.0088

/** Great-circle distance between two places in degrees, by the spherical law of cosines; exact to decimetres. */
function distanceKm(a: Place, b: Place): number {
  const [from, to, east] = [a.latitude, b.latitude, b.longitude - a.longitude].map(
    (degrees) => (degrees * Math.PI) / 180,
  ) as [number, number, number]
  const cosine = Math.sin(from) * Math.sin(to) + Math.cos(from) * Math.cos(to) * Math.cos(east)
  return EARTH_RADIUS_KM * Math.acos(Math.min(1, cosine))
}

interface Place {
  latitude: number
  longitude: number
}

function place(value: unknown): Place | null {
  if (typeof value !== 'object' || value === null) return null
  const latitude = own(value, 'latitude')
  const longitude = own(value, 'longitude')
  return within(latitude, 90) && within(longitude, 180) ? { latitude, longitude } : null
}

const within = (degrees: unknown, limit: number): degrees is number =>
  typeof degrees === 'number' && Math.abs(degrees) <= limit

/**
 * Operand (already checked by `compile`) → predicate over the attribute's value. An attribute that is an array matches
 * `equals`, `in` and `contains` if any element does.
 */
export const predicates: Record<Operator, (operand: JsonValue) => Predicate> = {
  equals: (operand) => (actual) => actual === operand || (Array.isArray(actual) && actual.includes(operand)),
  in: (operand) => {
    const members = new Set<unknown>(operand as JsonValue[])
    return (actual) =>
      members.has(actual) || (Array.isArray(actual) && actual.some((element) => members.has(element)))
  },
  contains: (operand) => {
    const holds: Predicate = (actual) => typeof actual === 'string' && actual.includes(operand as string)
    return (actual) => holds(actual) || (Array.isArray(actual) && actual.some(holds))
  },
  startsWith: text((operand) => (actual) => actual.startsWith(operand)),
  endsWith: text((operand) => (actual) => actual.endsWith(operand)),
  glob: text(glob),
  matches: text((operand) => {
    const pattern = new RegExp(operand, 'u')
    return (actual) => pattern.test(actual.length > MATCHES_INPUT ? actual.slice(0, MATCHES_INPUT) : actual)
  }),
  lt: number((actual, operand) => actual < operand),
  lte: number((actual, operand) => actual <= operand),
  gt: number((actual, operand) => actual > operand),
  gte: number((actual, operand) => actual >= operand),
  before: time((actual, operand) => actual < operand),
  after: time((actual, operand) => actual > operand),
  semverEq: semver((order) => order === 0),
  semverLt: semver((order) => order < 0),
  semverLte: semver((order) => order <= 0),
  semverGt: semver((order) => order > 0),
  semverGte: semver((order) => order >= 0),
  cidr: (operand) => {
    const blocks = (operand as string[]).map(parseCidr)
    return (actual) => {
      const address = typeof actual === 'string' ? parseAddress(actual) : null
      return address !== null && blocks.some((block) => inCidr(address, block))
    }
  },
  near: (operand) => {
    const { km, ...centre } = operand as unknown as Place & { km: number }
    return (actual) => {
      const at = place(actual)
      return at !== null && distanceKm(at, centre) <= km
    }
  },
  exists: (operand) => (actual) => (actual !== undefined) === operand,
}

const isScalar = (value: unknown): boolean =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)

function aString(operand: unknown): string | null {
  return typeof operand === 'string' ? null : 'must be a string'
}

/** A glob costs its length times the text's at worst. */
export const MAX_GLOB = 1024

export function aGlob(operand: unknown): string | null {
  return (
    aString(operand) ??
    ((operand as string).length <= MAX_GLOB ? null : `must be at most ${MAX_GLOB} characters long`)
  )
}

function aNumber(operand: unknown): string | null {
  return typeof operand === 'number' && Number.isFinite(operand) ? null : 'must be a number'
}

function aTime(operand: unknown): string | null {
  const known = typeof operand === 'string' && parseTime(operand) !== null
  return known ? null : 'must be an RFC 3339 date-time, such as 2026-01-31T08:00:00Z'
}

function aVersion(operand: unknown): string | null {
  const known = typeof operand === 'string' && parseSemver(operand) !== null
  return known ? null : 'must be a SemVer 2.0.0 version, such as 1.2.3'
}

function aCircle(operand: unknown): string | null {
  const km = place(operand) === null ? undefined : (operand as { km?: unknown }).km
  const valid =
    typeof km === 'number' && km > 0 && Number.isFinite(km) && Object.keys(operand as object).length === 3
  return valid ? null : 'must be { "latitude": -90…90, "longitude": -180…180, "km": > 0 }'
}

function blocks(operand: unknown): string | null {
  if (!Array.isArray(operand)) return 'must be an array of CIDR blocks'
  const bad = operand.find((block) => !isCidr(block))
  return bad === undefined
    ? null
    : `must hold CIDR blocks such as 10.0.0.0/8 or 2001:db8::/32, got ${show(bad)}`
}

/** Checks an authored operand: a sentence that completes "value …", or `null` if it is fine. */
export const operands: Record<Operator, (operand: unknown) => string | null> = {
  equals: (operand) => (isScalar(operand) ? null : 'must be a string, number, boolean or null'),
  in: (operand) =>
    Array.isArray(operand) && operand.every(isScalar)
      ? null
      : 'must be an array of strings, numbers, booleans or nulls',
  contains: aString,
  startsWith: aString,
  endsWith: aString,
  glob: aGlob,
  matches: (operand) => aString(operand) ?? patternProblem(operand as string),
  lt: aNumber,
  lte: aNumber,
  gt: aNumber,
  gte: aNumber,
  before: aTime,
  after: aTime,
  semverEq: aVersion,
  semverLt: aVersion,
  semverLte: aVersion,
  semverGt: aVersion,
  semverGte: aVersion,
  cidr: blocks,
  near: aCircle,
  exists: (operand) => (typeof operand === 'boolean' ? null : 'must be true or false'),
}
