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
  for (let at = 0; at < 3; at += 1) {
    const order = compareDigits(a.core[at]!, b.core[at]!)
    if (order !== 0) return order
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) return b.prerelease.length - a.prerelease.length
  for (let at = 0; at < Math.min(a.prerelease.length, b.prerelease.length); at += 1) {
    const order = compareIdentifiers(a.prerelease[at]!, b.prerelease[at]!)
    if (order !== 0) return order
  }
  return a.prerelease.length - b.prerelease.length
}

const DIGITS = /^\d+$/

function compareIdentifiers(a: string, b: string): number {
  const numericA = DIGITS.test(a)
  if (numericA !== DIGITS.test(b)) return numericA ? -1 : 1
  return numericA ? compareDigits(a, b) : compareText(a, b)
}

const compareDigits = (a: string, b: string): number => a.length - b.length || compareText(a, b)
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
