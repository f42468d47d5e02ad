import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CompileOptions, compile, recompile } from '../../engine/index.ts'
import { FLAG_KEYS, validDocument } from '../helpers/documents.ts'

const options: CompileOptions = { environment: 'test', epoch: 1, version: 1 }

const compiledOf = (document: unknown) => {
  const compiled = compile(document, options)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value
}

const recompiled = (before: unknown, after: unknown) => recompile('beta', before, after, new Set(['staff']))

describe('one flag recompiled alone', () => {
  it('is what a compile of the whole document makes of it, and the others stay as they are', () => {
    let times = 0
    const change = fc.tuple(validDocument, validDocument, fc.constantFrom(...FLAG_KEYS))
    fc.assert(
      fc.property(change, ([document, other, key]) => {
        const before = document.flags[key]!
        const after = withPrerequisites(other.flags[key], before)
        const alone = recompile(key, before, after, new Set(Object.keys(document.segments)))
        if (alone === null) return
        times += 1
        const old = compiledOf(document)
        const whole = compiledOf({ ...document, flags: { ...document.flags, [key]: after } })
        expect(new Map(old.snapshot.flags).set(key, alone.packed)).toEqual(whole.snapshot.flags)
        expect({ ...old.snapshot, flags: null }).toEqual({ ...whole.snapshot, flags: null })
        expect(old.warnings).toEqual(whole.warnings)
        expect(old.bytes + alone.grows).toBe(whole.bytes)
      }),
      { numRuns: 300 },
    )
    expect(times).toBeGreaterThan(50)
  })

  it('is so for what is changed most: switch, percentage, lists, rules', () => {
    const beta = { enabled: true, percentage: 5, description: 'Grüße 👋' }
    for (const after of [
      { ...beta, enabled: false },
      { ...beta, percentage: 10 },
      { ...beta, allowlist: ['user1'] },
      { enabled: true, rules: [{ id: 'r', when: { segment: 'staff' }, serve: 'on' }], fallthrough: 'off' },
      true,
    ]) {
      const segments = { staff: { include: ['ada'] } }
      const whole = compiledOf({ flags: { beta: after }, segments })
      const grows = whole.bytes - compiledOf({ flags: { beta }, segments }).bytes
      expect(recompiled(beta, after)).toEqual({ packed: whole.snapshot.flags.get('beta'), grows })
    }
  })

  it.each([
    ['other variants', { enabled: true, variants: { on: 1, blue: 2, off: 3 }, fallthrough: 'on' }],
    [
      'another prerequisite',
      { enabled: true, prerequisites: [{ flag: 'x', variants: ['on'] }], fallthrough: 'on' },
    ],
    ['a warning', { enabled: true, allowlist: ['user1'] }],
    ['an error', { enabled: 1 }],
    [
      'an unknown segment',
      { enabled: true, rules: [{ id: 'r', when: { segment: 'none' }, serve: 'on' }], fallthrough: 'off' },
    ],
  ])('is not possible with %s', (_, flag) => {
    expect(recompiled(true, flag)).toBeNull()
    expect(recompiled(flag, true)).toBeNull()
  })

  it('is not possible under a name that no flag may have', () => {
    expect(recompile('no name', true, false, new Set())).toBeNull()
  })
})

/** Else most changes would concern others. */
function withPrerequisites(flag: unknown, before: unknown): unknown {
  const { prerequisites = [] } = before as { prerequisites?: unknown }
  return typeof flag === 'object' ? { ...flag, prerequisites } : flag
}
