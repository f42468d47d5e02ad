/**
 * Every case of test/cases through the whole engine: compile, prepare, evaluate; then the same question to `explain`, to
 * `evaluateAll`, and to the snapshot after a trip over its wire form. All must give the decision written down.
 */
import { describe, expect, it } from 'vitest'
import {
  type Decision,
  decodeSnapshot,
  encodeSnapshot,
  evaluate,
  evaluateAll,
  explain,
  prepare,
} from '../../engine/index.ts'
import {
  type Case,
  compiled,
  goldenFiles,
  KILL_VERSION,
  killList,
  type Suite,
  VERSION,
} from '../helpers/cases.ts'

for (const [file, { suites }] of goldenFiles())
  describe(file, () => {
    for (const suite of suites)
      describe(suite.name, () => {
        const ready = lazily(() => preparedTwice(suite))
        it.each(suite.cases)('$flag: $name', (golden) => {
          const { direct, decoded } = ready()
          const { flag, context, at } = golden
          const decision = evaluate(direct, flag, context, at)
          expect({ ...decision, metadata: { ...decision.metadata } }).toStrictEqual(
            completed(golden, decision),
          )

          const explained = explain(direct, flag, context, at)
          expect(explained.decision).toStrictEqual(decision)
          expect(explained.steps.map((step) => step.decided)).toStrictEqual(explained.steps.map(isLast))
          expect(explained.steps.some(({ step }) => step === 'error')).toBe(decision.reason === 'ERROR')

          expect(evaluate(decoded, flag, context, at)).toStrictEqual(decision)
          if (at === undefined)
            expect(evaluateAll(direct, context, 'all').filter((other) => other.flag === flag)).toStrictEqual(
              decision.errorCode === 'FLAG_NOT_FOUND' ? [] : [decision],
            )
        })
      })
  })

/** The whole decision a case asks for; a reason or rule that it leaves open is taken as it came. */
const completed = ({ flag, expect: expected }: Case, came: Decision): Decision => ({
  flag,
  variant: expected.variant,
  value: expected.value as Decision['value'],
  reason: (expected.reason as Decision['reason']) ?? came.reason,
  rule: expected.rule === undefined ? came.rule : expected.rule,
  errorCode: (expected.errorCode as Decision['errorCode']) ?? null,
  metadata: expected.metadata ?? {},
  version: VERSION,
  killVersion: KILL_VERSION,
})

/** Exactly the last step of a trace decided. */
const isLast = (_: unknown, index: number, steps: readonly unknown[]): boolean => index === steps.length - 1

function preparedTwice(suite: Suite) {
  const { snapshot } = compiled(suite.document, suite.overlay ? { overlay: suite.overlay } : {})
  const wire = decodeSnapshot(encodeSnapshot(snapshot))
  if (!wire.ok) throw new Error(`snapshot does not decode: ${wire.error.message}`)
  const kills = killList(suite.kills)
  return { direct: prepare(snapshot, kills), decoded: prepare(wire.value, kills) }
}

function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
