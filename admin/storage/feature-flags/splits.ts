/** Flags of a profile that AWS splits by its own hash. Pure. */
import { isObject } from '../../../engine/check.ts'
import { fromAppConfigKey } from './key.ts'
import type { Profile } from './profile.ts'
import { readRule } from './rule.ts'

/** Their keys in Turnout. `content` is one that `readProfile` accepts. */
export function splittingFlags(content: unknown): string[] {
  const { values = {} } = (isObject(content) ? content : {}) as Pick<Profile, 'values'>
  return Object.entries(values)
    .filter(([, { _variants: variants = [] }]) => variants.some(({ rule = '' }) => splits(rule)))
    .map(([key]) => fromAppConfigKey(key))
}

function splits(rule: string): boolean {
  const read = readRule(rule)
  return read.ok && read.value.splits.length > 0
}
