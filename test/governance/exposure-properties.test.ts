/**
 * What "lowers" promises, for documents and edits of every kind: no context's answer changes but to the flag's `off`. And
 * that it is not said too seldom to be of use.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Exposure, lowers } from '../../admin/governance/exposure.ts'
import {
  type At,
  compile,
  type Decision,
  type EvaluationContext,
  evaluate,
  type FlagDocument,
  type Kill,
  type Overlay,
  prepare,
} from '../../engine/index.ts'
import { killList } from '../helpers/cases.ts'
import * as arbitrary from '../helpers/documents.ts'
import { type Authored, edited } from './edits.ts'

const options = { environment: 'test', epoch: 1, version: 1 }

/** Keys enough that a percentage and a weight take some and leave some. */
const crowd = Array.from({ length: 40 }, (_, at) => ({
  targetingKey: `person-${at}`,
  plan: `plan-${at % 7}`,
}))

interface Change {
  before: Authored
  after: Authored
  overlay: Overlay
  kills: readonly Kill[]
}

interface Difference {
  /** Answers that are not what they were. */
  count: number
  /** One of them that is not `off`, in words; `null` if all are. */
  raised: string | null
}

function difference({ before, after, overlay, kills }: Change, contexts: readonly EvaluationContext[]) {
  const [was, is] = [before, after].map((document) => {
    const compiled = compile(document, { ...options, overlay })
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
    return prepare(compiled.value.snapshot, killList(kills))
  })
  const places: (At | undefined)[] = [undefined]
  if (after.routes) places.push({ route: 'shop' }, { route: 'shop', headerOverride: 'green' })
  const found: Difference = { count: 0, raised: null }
  for (const key of new Set([...Object.keys(before.flags), ...Object.keys(after.flags)]))
    for (const context of contexts)
      for (const at of key === 'alpha' ? places : [undefined]) {
        const [earlier, now] = [evaluate(was!, key, context, at), evaluate(is!, key, context, at)]
        if (answer(earlier) === answer(now)) continue
        found.count += 1
        if (now.variant !== offOf(after.flags[key]))
          found.raised ??= `${key} ${JSON.stringify({ context, at })}: ${earlier.variant} → ${now.variant}`
      }
  return found
}

const answer = ({ variant, value }: Decision): string => JSON.stringify([variant, value ?? null])

const offOf = (flag: unknown): string => (flag as { off?: string } | undefined)?.off ?? 'off'

const exposureOf = ({ before, after, overlay, kills }: Change): Exposure =>
  lowers(before as unknown as FlagDocument, after as unknown as FlagDocument, {
    overlay,
    kills: killList(kills),
  })

const compiles = (document: Authored, overlay: Overlay): boolean =>
  compile(document, { ...options, overlay }).ok

const change = fc
  .record({ edited, overlay: arbitrary.overlay, kills: arbitrary.kills })
  .map(
    ({ edited: { before, after }, overlay, kills }): Change => ({
      before,
      after,
      overlay,
      kills: kills as Kill[],
    }),
  )
  .filter(({ before, after, overlay }) => compiles(before, overlay) && compiles(after, overlay))

const contexts = fc.array(arbitrary.context, { minLength: 20, maxLength: 20 })

describe('a change that lowers', () => {
  it('changes no answer but to off, whoever asks, and is not missed as a rule', () => {
    const seen = { lowered: 0, raised: 0, unproven: 0 }
    fc.assert(
      fc.property(change, contexts, (each, some) => {
        const exposure = exposureOf(each)
        const { count, raised } = difference(each, [...some, ...crowd])
        expect(exposure.lowers).toBe(exposure.raising.length === 0)
        if (exposure.lowers) expect(raised).toBeNull()
        if (raised !== null) seen.raised += 1
        else if (count > 0) seen[exposure.lowers ? 'lowered' : 'unproven'] += 1
      }),
      { numRuns: 2_500 },
    )
    const counts = JSON.stringify(seen)
    expect(seen.raised, counts).toBeGreaterThan(250)
    expect(seen.lowered, counts).toBeGreaterThan(40)
    expect(seen.lowered, counts).toBeGreaterThan(seen.unproven / 3)
  })
})

describe('any document', () => {
  it('lowers to itself, and with everything switched off', () => {
    fc.assert(
      fc.property(arbitrary.validDocument, arbitrary.overlay, (document, overlay) => {
        const before = document as unknown as FlagDocument
        expect(lowers(before, structuredClone(before), { overlay }).raising).toStrictEqual([])
        const off = Object.entries(before.flags).map(([key, flag]) => [
          key,
          typeof flag === 'object' ? { ...flag, enabled: false } : false,
        ])
        const raising = lowers(before, { ...before, flags: Object.fromEntries(off) }, { overlay }).raising
        expect(raising).toStrictEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
