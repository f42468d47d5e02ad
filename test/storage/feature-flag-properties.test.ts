/** Whatever a profile of feature flags holds, writing changes what changed and nothing else. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toAppConfigKey } from '../../admin/storage/feature-flags/key.ts'
import { EMPTY_PROFILE, type Profile } from '../../admin/storage/feature-flags/profile.ts'
import { writeDocument } from '../../admin/storage/feature-flags/write.ts'
import { bareBoolean, type Flag, type FlagDocument } from '../../engine/index.ts'
import * as arbitrary from '../helpers/documents.ts'
import { read, TIMES, write } from './profiles.ts'

describe('whatever the profile', () => {
  const key = fc.stringMatching(/^[a-z][a-zA-Z\d_-]{0,8}$/)
  const attribute = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
    fc.array(fc.integer(), { maxLength: 3 }),
  )
  const attributes = fc.dictionary(
    key.filter((name) => name !== 'enabled' && name.length > 2),
    attribute,
    { maxKeys: 4 },
  )
  const times = fc.constantFrom({}, TIMES)
  const basic = fc
    .tuple(fc.boolean(), attributes, times)
    .map(([enabled, all, at]) => ({ enabled, ...all, ...at }))
  const rule = fc.constantFrom(
    '(eq $a "b")',
    '(split pct::10 by::$id)',
    '(or (gt $n 3)   (and (exists key::"x") (split by::$id pct::50)))',
  )
  const variant = fc.record({
    name: fc.string({ minLength: 1, maxLength: 9 }).filter((name) => !name.includes('\n')),
    enabled: fc.boolean(),
    attributeValues: attributes,
  })
  const withVariants = fc
    .tuple(fc.array(fc.tuple(variant, rule), { maxLength: 3 }), variant, times)
    .map(([list, last, at]) => ({
      _variants: [...list.map(([each, text]) => ({ ...each, rule: text })), last],
      ...at,
    }))
  const profile = fc
    .dictionary(
      key.filter((name) => name !== 'turnout'),
      fc.oneof(basic, withVariants),
      { maxKeys: 5 },
    )
    .map(
      (values) =>
        ({
          version: '1',
          values,
          flags: Object.fromEntries(Object.keys(values).map((name) => [name, { name }])),
        }) as Profile,
    )

  test('writing what was read changes nothing', () => {
    fc.assert(
      fc.property(profile, (written) => {
        const result = writeDocument(written, read(written).document)
        expect(result.ok && JSON.stringify(result.value)).toBe(JSON.stringify(written))
      }),
    )
  })

  test('two flips are none, and a flip touches no other flag', () => {
    fc.assert(
      fc.property(profile, fc.nat(), (written, pick) => {
        const { document } = read(written)
        const keys = Object.keys(document.flags)
        const flipped = keys[pick % Math.max(1, keys.length)]
        if (flipped === undefined) return
        const flag = document.flags[flipped] as Flag
        const flip = (to: boolean) => ({
          ...document,
          flags: { ...document.flags, [flipped]: { ...flag, enabled: to } },
        })
        const once = writeDocument(written, flip(!flag.enabled))
        if (!once.ok) throw new Error(JSON.stringify(once.error))
        expect(read(once.value).document).toEqual(flip(!flag.enabled))
        const inAws = toAppConfigKey(flipped)
        const there = (of: Profile) => Object.entries(of.values!).filter(([name]) => name !== inAws)
        expect(JSON.stringify(there(once.value))).toBe(JSON.stringify(there(written)))
        const twice = writeDocument(once.value, document)
        if (!twice.ok) throw new Error(JSON.stringify(twice.error))
        expect(twice.value.values).toEqual(written.values)
      }),
    )
  })
})

test('whatever the document, it can be written, AWS takes it, and it is read as it was', () => {
  fc.assert(
    fc.property(arbitrary.validDocument, arbitrary.validDocument, (one, other) => {
      const first = write(EMPTY_PROFILE, one as unknown as FlagDocument)
      const second = write(first, other as unknown as FlagDocument)
      for (const [profile, document] of [
        [first, one],
        [second, other],
      ] as const) {
        const bare = Object.entries(document.flags).map(([key, flag]) => {
          const state = bareBoolean(flag)
          return [key, state === null ? flag : { enabled: state }]
        })
        expect(read(profile).document).toEqual({ ...document, flags: Object.fromEntries(bare) })
      }
    }),
  )
})
