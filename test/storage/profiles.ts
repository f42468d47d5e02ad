/** A profile of feature flags that has a bit of everything, and what tests do with profiles. */
import { expect } from 'vitest'
import type { Profile } from '../../admin/storage/feature-flags/profile.ts'
import { readProfile } from '../../admin/storage/feature-flags/read.ts'
import { writeDocument } from '../../admin/storage/feature-flags/write.ts'
import type { Flag, FlagDocument } from '../../engine/index.ts'
import { problemsOf } from '../helpers/aws/feature-flags.ts'

export const TIMES = { _createdAt: '2026-01-01T00:00:00Z', _updatedAt: '2026-02-02T00:00:00Z' }

export const PROFILE: Profile = {
  version: '1',
  flags: {
    'new-feature': {
      name: 'New feature',
      description: 'The new feature',
      _deprecation: { status: 'planned' },
      attributes: { percentage: { constraints: { type: 'number' } }, color: {}, sizes: {} },
      ...TIMES,
    } as object,
    'x-CONDUIT_USE_REPOSITORY_PATTERN': { name: 'CONDUIT_USE_REPOSITORY_PATTERN' },
    checkout: { name: 'Checkout', attributes: { color: {}, steps: {} } },
    defined: { name: 'Only defined' },
    plain: {},
  },
  values: {
    'new-feature': { enabled: true, percentage: 50, color: 'red', sizes: [1, 2], ...TIMES },
    'x-CONDUIT_USE_REPOSITORY_PATTERN': { enabled: false },
    checkout: {
      _variants: [
        {
          name: 'Beta users',
          enabled: true,
          rule: '(ends_with $email "@example.com")',
          attributeValues: { color: 'blue', steps: 2 },
        },
        {
          name: 'some',
          enabled: true,
          rule: '(and (eq $country "DE") (split pct::25 by::$userId seed::"s"))',
          attributeValues: { color: 'green' },
        },
        { name: 'Default', enabled: false },
      ],
      ...TIMES,
    },
    plain: {
      _variants: [
        { name: 'inside', enabled: true, rule: '(eq $country "DE")' },
        { name: 'default', enabled: true },
      ],
    },
  },
}

export function read(profile: unknown) {
  const result = readProfile(profile)
  if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path} ${message}`).join('\n'))
  return result.value
}

/** What AWS takes, too. */
export function write(profile: Profile, document: FlagDocument): Profile {
  const result = writeDocument(profile, document)
  if (!result.ok) throw new Error(result.error.map(({ path, message }) => `${path} ${message}`).join('\n'))
  expect(problemsOf(result.value)).toEqual([])
  return result.value
}

/** The profile with one flag of the document changed. */
export function changed(key: string, change: (flag: Flag) => unknown, profile = PROFILE): Profile {
  const { document } = read(profile)
  const flag = structuredClone(document.flags[key]) as Flag
  return write(profile, { ...document, flags: { ...document.flags, [key]: change(flag) as Flag } })
}

/** A flag `f` with variants of these names. */
export const named = (...names: string[]): Profile => ({
  version: '1',
  values: {
    f: {
      _variants: names.map((name, at) => ({
        name,
        enabled: true,
        ...(at < names.length - 1 ? { rule: '(or (split pct::1 by::$id) (eq $a 1))' } : {}),
      })),
    },
  },
})
