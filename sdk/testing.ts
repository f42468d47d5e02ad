/**
 * A client for tests of those who check flags: answers what the test says, at once, in the process, and keeps what was asked.
 * Unknown keys and wrong types are answered as the real clients answer them. Needs no test runner.
 */
import type {
  Client,
  ClientEvents,
  Context,
  Details,
  ErrorCode,
  FlagKey,
  FlagValue,
  FlagVariant,
  Value,
} from './client.ts'

/** What a flag answers: a value, what `variant` or `failing` makes, or a function of the check's context that gives one of them. */
export type TestAnswer<K extends FlagKey = FlagKey> =
  | FlagValue<K>
  | Answer
  | ((context: Context) => FlagValue<K> | Answer | undefined)

/** Flags by key; one that is missing is not found. With types of the flags, keys and values are checked. */
export type TestFlags = { readonly [K in FlagKey]?: TestAnswer<K> }

export interface TestOptions {
  readonly flags?: TestFlags
  /** What functions of the context are given, beside what a check itself says. */
  readonly context?: Context
}

/** A check, as it was made. */
export interface TestCheck extends Details {
  readonly defaultValue: Value
  /** As the check gave it. */
  readonly context?: Context
}

export interface TestClient extends Client {
  /** Every check since the beginning or the latest `reset`, oldest first. */
  readonly checks: readonly TestCheck[]
  /** From now on the flag answers so. */
  set<K extends FlagKey>(key: K, answer: TestAnswer<K>): void
  /** From now on there is no such flag. */
  unset(key: FlagKey): void
  /** Runs work under other answers. Afterwards, when its promise has settled too, they are what they were before. */
  with<T>(flags: TestFlags, work: () => T): T
  /** As at the beginning: the answers too, and no check was made. */
  reset(): void
}

/** More than a value: made by `variant` and `failing`. */
export class Answer {
  readonly details: Partial<Details>

  constructor(details: Partial<Details>) {
    this.details = details
  }
}

/** A value with the name of its variant, for code that looks at the details. */
export const variant = <K extends FlagKey = FlagKey>(name: FlagVariant<K>, value: Value): Answer =>
  new Answer({ value, variant: name, reason: 'STATIC' })

/** No answer, for this reason: the check gives its default. */
export const failing = (errorCode: ErrorCode): Answer => new Answer({ errorCode })

export function createTestClient({ flags = {}, context = {} }: TestOptions = {}): TestClient {
  const initial = new Map<string, unknown>(Object.entries(flags))
  let answers = new Map(initial)
  let checks: TestCheck[] = []
  const listeners = new Set<readonly [event: string, listener: (payload: never) => void]>()

  // At once, unlike the clients that wait for the network: a test need not wait for it either.
  function emit<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void {
    for (const [of, listener] of listeners)
      if (of === event)
        try {
          listener(payload as never)
        } catch (thrown) {
          queueMicrotask(() => {
            throw thrown
          })
        }
  }

  function become(next: Map<string, unknown>): void {
    const before = answers
    answers = next
    const keys = [...new Set([...before.keys(), ...next.keys()])]
    const changed = keys.filter((key) => !Object.is(before.get(key), next.get(key)))
    if (changed.length > 0) emit('change', changed)
  }

  function details<T extends Value>(key: string, defaultValue: T, given?: Context): Details<T> {
    const result = resolve(answers.get(key), key, defaultValue, { ...context, ...given })
    checks.push({ ...result, defaultValue, ...(given && { context: given }) })
    const { targetingKey } = { ...context, ...given }
    emit('check', { ...result, ...(targetingKey !== undefined && { targetingKey }) })
    return result
  }

  const value = <T extends Value>(key: string, defaultValue: T, given?: Context): T =>
    details(key, defaultValue, given).value

  function override<T>(others: TestFlags, work: () => T): T {
    const before = new Map(Object.keys(others).map((key) => [key, answers.get(key)]))
    become(new Map([...answers, ...Object.entries(others)]))
    const restore = (): void => become(new Map([...answers, ...before]))
    let result: T
    try {
      result = work()
    } catch (thrown) {
      restore()
      throw thrown
    }
    if (isPromise(result)) return Promise.resolve(result).finally(restore) as T
    restore()
    return result
  }

  const ready = Promise.resolve().then(() => emit('ready', undefined))

  return {
    ready,
    get checks() {
      return checks
    },
    boolean: value,
    string: value,
    number: value,
    object: value,
    booleanDetails: details,
    stringDetails: details,
    numberDetails: details,
    objectDetails: details,
    set: (key: string, answer: unknown) => become(new Map(answers).set(key, answer)),
    unset: (key) => become(new Map(answers).set(key, undefined)),
    with: override,
    reset() {
      checks = []
      become(new Map(initial))
    },
    on(event, listener) {
      const entry = [event, listener] as const
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    close: () => listeners.clear(),
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'

/** What a function of the context throws is the test's mistake, and stays one. */
function resolve<T extends Value>(answer: unknown, key: string, value: T, context: Context): Details<T> {
  const given = typeof answer === 'function' ? answer(context) : answer
  const fail = (errorCode: ErrorCode): Details<T> => ({ key, value, reason: 'ERROR', errorCode })
  if (given === undefined) return fail('FLAG_NOT_FOUND')
  const reason = typeof answer === 'function' ? 'TARGETING_MATCH' : 'STATIC'
  const found: Partial<Details> =
    given instanceof Answer ? given.details : { value: given, variant: nameOf(given), reason }
  if (found.errorCode !== undefined) return fail(found.errorCode)
  return typeOf(found.value) === typeOf(value) ? ({ key, ...found } as Details<T>) : fail('TYPE_MISMATCH')
}

/** Of a variant of which the test says only the value. */
const nameOf = (value: unknown): string =>
  typeof value === 'boolean' ? (value ? 'on' : 'off') : typeof value === 'object' ? 'test' : String(value)

/** `[object Array]` and the like: lists and `null` are no objects. */
const typeOf = (value: unknown): string => ({}).toString.call(value)
