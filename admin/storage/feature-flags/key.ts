/**
 * Keys of flags as AppConfig's flag profiles allow them. Keys that both sides allow are the same on both; others, such as
 * `CONDUIT_USE_REPOSITORY_PATTERN`, stand there as `x-CONDUIT_USE_REPOSITORY_PATTERN`: after `x-`, `-` is written `--` and
 * `.` is written `-_`. Two keys never meet, and each leads back to itself. Pure.
 */
import { isKey } from '../../../engine/index.ts'

/** What AppConfig allows as the key of a flag or an attribute. */
const ALLOWED = /^[a-z][a-zA-Z\d_-]{0,63}$/
const PREFIX = 'x-'

/** The flag of a profile that holds what is no flag: kills, segments, routes. */
export const RESERVED = 'turnout'

export const isAllowedKey = (key: string): boolean => ALLOWED.test(key)

/** The key in AppConfig, or null: it has no room for this one. */
export function toAppConfigKey(key: string): string | null {
  const there = needsPrefix(key) ? PREFIX + escaped(key) : key
  return isAllowedKey(there) ? there : null
}

/** The flag's key, of any key that AppConfig allows. */
export function fromAppConfigKey(there: string): string {
  return unprefixed(there) ?? there
}

/** A key that AppConfig does not allow, or that there would read as another. */
const needsPrefix = (key: string): boolean =>
  !isAllowedKey(key) || key === RESERVED || unprefixed(key) !== null

/** The key that was given the prefix, or null: there is none, and the text stands for itself. */
function unprefixed(there: string): string | null {
  if (!there.startsWith(PREFIX)) return null
  const key = unescaped(there.slice(PREFIX.length))
  return key !== null && isKey(key) && needsPrefix(key) ? key : null
}

const escaped = (key: string): string => key.replace(/[-.]/g, (char) => (char === '-' ? '--' : '-_'))

function unescaped(text: string): string | null {
  if (!/^(?:[^-]|--|-_)*$/.test(text)) return null
  return text.replace(/--|-_/g, (pair) => (pair === '--' ? '-' : '.'))
}
