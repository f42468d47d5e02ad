/**
 * Leads an application from an old side to a new one, stage by stage as a flag says: which side is read and written, in which
 * order, and whose answer counts. The other side is never in the caller's way: neither its errors nor its reads are waited for.
 */
import type { Part } from '../engine/flag-counts.ts'
import { isStage, type Stage } from '../engine/stages.ts'
import type { Client, Context, Details, FlagKey } from './client.ts'
import type { Outcomes } from './outcomes.ts'

export type { Part } from '../engine/flag-counts.ts'
export type { Stage } from '../engine/stages.ts'

/** One thing done in two ways. */
export interface Sides<Args extends unknown[], Result> {
  readonly old: (...args: Args) => Result | PromiseLike<Result>
  readonly new: (...args: Args) => Result | PromiseLike<Result>
}

/** What went wrong where no caller could be told. */
export interface MigrationProblem {
  readonly part: Part
  readonly stage: Stage
  readonly error: unknown
  /** What the operation was called with. */
  readonly args: readonly unknown[]
}

export interface MigrationOptions<Query extends unknown[], Found, Change extends unknown[], Written> {
  /** Any client of this package; the flag's value is the stage. */
  readonly client: Pick<Client, 'stringDetails'>
  readonly read?: Sides<Query, Found>
  readonly write?: Sides<Change, Written>
  /** Whether both sides answer the same; asked where both are read. Default: nothing is compared. */
  readonly compare?: (old: Found, neu: Found) => boolean | PromiseLike<boolean>
  /** Share of those reads that are compared, 0…1. Default 1. */
  readonly checkRatio?: number
  /** Whether the other side is read at the same time, or only after the one that counts. Default `parallel`. */
  readonly reads?: 'parallel' | 'serial'
  /** The stage where the flag has no answer: the one that the deployed code is safe with. Default `off`. */
  readonly defaultStage?: Stage
  /** Told how each side does, by stage. Default: nobody. */
  readonly outcomes?: Pick<Outcomes, 'report'> | undefined
  /** Hears of errors of the other side, and of answers that differ. Default: a warning for the first of each kind. */
  readonly onProblem?: (problem: MigrationProblem) => void
  /** Given what goes on after a read was answered: in a Worker, `(promise) => ctx.waitUntil(promise)`. */
  readonly waitUntil?: (promise: Promise<void>) => void
  /** From 0 to below 1. Default `Math.random`. */
  readonly random?: () => number
}

/** Reads and writes for one context. */
export interface Operations<Query extends unknown[], Found, Change extends unknown[], Written> {
  /** What the side that counts answers; or rejects as it does. */
  read(...args: Query): Promise<Found>
  /** Resolves when both sides are written, with what the side that counts answers; or rejects as it does. */
  write(...args: Change): Promise<Written>
  /** Where the flag stands for the context. */
  stage(): Stage
}

export interface Migration<Query extends unknown[], Found, Change extends unknown[], Written>
  extends Operations<Query, Found, Change, Written> {
  /** The same for somebody, where one client answers for many. */
  for(context: Context): Operations<Query, Found, Change, Written>
}

type Side = 'old' | 'new'

/** The sides that an operation uses, in their order; the first one counts. */
const PLAN: Readonly<Record<Stage, Readonly<Record<'read' | 'write', readonly [Side, Side?]>>>> = {
  off: { write: ['old'], read: ['old'] },
  dualwrite: { write: ['old', 'new'], read: ['old'] },
  shadow: { write: ['old', 'new'], read: ['old', 'new'] },
  live: { write: ['new', 'old'], read: ['new', 'old'] },
  rampdown: { write: ['new', 'old'], read: ['new'] },
  complete: { write: ['new'], read: ['new'] },
}

/** What came of one side. */
type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }

export function migration<Query extends unknown[], Found, Change extends unknown[], Written>(
  key: FlagKey<Stage>,
  options: MigrationOptions<Query, Found, Change, Written>,
): Migration<Query, Found, Change, Written> {
  const { client, compare, checkRatio = 1, reads = 'parallel', defaultStage = 'off', outcomes } = options
  const { waitUntil = () => {}, random = Math.random } = options
  const warned = new Set<string>()

  function warnOnce(sentence: string, ...more: unknown[]): void {
    if (warned.has(sentence)) return
    warned.add(sentence)
    console.warn(`turnout: migration ${key} ${sentence}`, ...more)
  }

  /** The stage, and the details to report under. Once for each operation. */
  function stand(context: Context | undefined): { stage: Stage; details: Details } {
    const details: Details<string> = client.stringDetails(key, defaultStage as never, context)
    const { value, variant, errorCode } = details
    // Without a variant the value is the default; an error may stand beside both.
    const isAnswer = variant !== undefined
    if (isAnswer && isStage(value)) return { stage: value, details }
    const why = isAnswer
      ? `is worth ${JSON.stringify(value)}, which is no stage`
      : `has no answer (${errorCode})`
    warnOnce(`${why}: it is taken to be at ${defaultStage}`)
    return { stage: defaultStage, details: { key, value, reason: 'DEFAULT' } }
  }

  function tell(problem: MigrationProblem): void {
    const { part, stage, error } = problem
    try {
      if (options.onProblem) options.onProblem(problem)
      else warnOnce(`has a problem with ${part} at ${stage}; others like it are only counted`, error)
    } catch (thrown) {
      console.warn('turnout:', thrown)
    }
  }

  const compared = async (
    old: Found,
    neu: Found,
    stage: Stage,
    details: Details,
    args: Query,
  ): Promise<void> => {
    let error: unknown
    try {
      if (!(await compare!(old, neu))) error = new Error(`old and new answer differently`)
    } catch (thrown) {
      error = thrown
    }
    outcomes?.report(details, error === undefined ? 'ok' : 'error', 'check')
    if (error !== undefined) tell({ part: 'check', stage, error, args })
  }

  function operationsFor(context?: Context): Operations<Query, Found, Change, Written> {
    return {
      stage: () => stand(context).stage,

      async read(...args) {
        const { stage, details } = stand(context)
        const sides = given(options.read, 'read')
        const [first, second] = PLAN[stage].read
        const run = (side: Side) => settle(() => sides[side](...args), details, `read-${side}`)
        const main = run(first)
        if (second !== undefined) {
          const other = reads === 'parallel' ? run(second) : main.then(() => run(second))
          waitUntil(
            Promise.all([main, other]).then(async ([one, two]) => {
              if (!two.ok) tell({ part: `read-${second}`, stage, error: two.error, args })
              if (!one.ok || !two.ok || compare === undefined || random() >= checkRatio) return
              const [old, neu] = first === 'old' ? [one.value, two.value] : [two.value, one.value]
              await compared(old, neu, stage, details, args)
            }),
          )
        }
        return answered(await main, details)
      },

      async write(...args) {
        const { stage, details } = stand(context)
        const sides = given(options.write, 'write')
        const [first, second] = PLAN[stage].write
        const run = (side: Side) => settle(() => sides[side](...args), details, `write-${side}`)
        const main = await run(first)
        // What the side that counts has refused, the other must not have.
        if (main.ok && second !== undefined) {
          const other = await run(second)
          if (!other.ok) tell({ part: `write-${second}`, stage, error: other.error, args })
        }
        return answered(main, details)
      },
    }
  }

  /** Never rejects; reports how it went and how long it took. */
  async function settle<T>(
    work: () => T | PromiseLike<T>,
    details: Details,
    part: Part,
  ): Promise<Settled<T>> {
    const startedAtMs = performance.now()
    try {
      const value = await work()
      outcomes?.report(details, 'ok', part)
      outcomes?.report(details, performance.now() - startedAtMs, part)
      return { ok: true, value }
    } catch (error) {
      outcomes?.report(details, 'error', part)
      return { ok: false, error }
    }
  }

  /** Hands on what the side that counts gave, and reports it for the whole. */
  function answered<T>(main: Settled<T>, details: Details): T {
    outcomes?.report(details, main.ok ? 'ok' : 'error')
    if (!main.ok) throw main.error
    return main.value
  }

  function given<T>(sides: T | undefined, name: string): T {
    if (sides === undefined) throw new Error(`migration ${key} was made without "${name}"`)
    return sides
  }

  return { ...operationsFor(), for: operationsFor }
}
