/** SemVer 2.0.0: parse and compare. Pure. Source: https://semver.org/spec/v2.0.0.html (sections 9–11). */

export interface Semver {
  /** Major, minor, patch as digits without leading zeros, so that any size compares. */
  readonly core: readonly string[]
  readonly prerelease: readonly string[]
}

const NUMBER = '(0|[1-9]\\d*)'
const IDENTIFIER = '(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)'
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
)

export function parseSemver(text: string): Semver | null {
  const parts = text.length <= 256 ? SEMVER.exec(text) : null
  return parts && { core: [parts[1]!, parts[2]!, parts[3]!], prerelease: parts[4]?.split('.') ?? [] }
}

/** Precedence: negative if `a` is older, 0 if equal (build metadata never counts). */
export function compareSemver(a: Semver, b: Semver): number {
  // A version without a pre-release comes after those with one.
  const released = Number(a.prerelease.length === 0) - Number(b.prerelease.length === 0)
  return compareLists(a.core, b.core) || released || compareLists(a.prerelease, b.prerelease)
}

/** Identifier by identifier; a longer list comes after its own beginning. */
function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    const order = compareIdentifiers(a[at]!, b[at]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}

const DIGITS = /^\d+$/

/** Numbers come before words; a number with more digits is larger, as none has leading zeros. */
function compareIdentifiers(a: string, b: string): number {
  const number = DIGITS.test(a)
  if (number !== DIGITS.test(b)) return number ? -1 : 1
  return (number ? a.length - b.length : 0) || (a < b ? -1 : Number(a > b))
}
