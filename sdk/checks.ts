/** The checks of a local client: decisions of the engine, as the application asked for them. They never throw and never wait. */
import { evaluateFlag } from '../engine/evaluate.ts'
import type { Prepared } from '../engine/prepare.ts'
import type { Check, Client, Context, Details, ErrorCode, Value } from './client.ts'

/**
 * `held`: what to decide by; `isFresh`: whether that is what the edge says now; `context` holds for every check, where its own says
 * nothing else; `listeners`: who wants to hear of checks.
 */
export function checks(
  held: () => Prepared | undefined,
  isFresh: () => boolean,
  context: Context | undefined,
  listeners: () => ReadonlySet<(check: Check) => void> | undefined,
): Omit<Client, 'ready' | 'on' | 'close'> {
  function value<T extends Value>(key: string, defaultValue: T, given?: Context): T {
    const prepared = held()
    if (!prepared || context || listeners()?.size) return details(key, defaultValue, given).value
    const { value } = evaluateFlag(prepared, key, given!)
    return isLike(value, defaultValue) ? value : defaultValue
  }

  function details<T extends Value>(key: string, defaultValue: T, given?: Context): Details<T> {
    const failed = (errorCode: ErrorCode): Details<T> => ({
      key,
      value: defaultValue,
      reason: 'ERROR',
      errorCode,
    })
    function decide(asked: Context | undefined): Details<T> {
      const prepared = held()
      if (!prepared) return failed('PROVIDER_NOT_READY')
      const { value, variant, reason, errorCode, metadata } = evaluateFlag(prepared, key, asked!)
      if (variant === null) return failed(errorCode!)
      if (!isLike(value, defaultValue)) return failed('TYPE_MISMATCH')
      // A code beside a value: a rule that needs the targeting key was skipped.
      return {
        key,
        value,
        variant,
        reason: isFresh() ? reason : 'STALE',
        ...(errorCode && { errorCode }),
        metadata,
      }
    }

    let targetingKey: unknown
    let result: Details<T>
    try {
      const asked = context ? { ...context, ...given } : given
      targetingKey = asked?.targetingKey
      result = decide(asked)
    } catch {
      // A context with a getter or proxy that throws.
      result = failed('INVALID_CONTEXT')
    }
    const who = typeof targetingKey === 'string' && { targetingKey }
    for (const listener of listeners() ?? []) queueMicrotask(() => listener({ ...result, ...who }))
    return result
  }

  return {
    boolean: value,
    string: value as Client['string'],
    number: value,
    object: value as Client['object'],
    booleanDetails: details,
    stringDetails: details,
    numberDetails: details,
    objectDetails: details,
  }
}

/** Whether a value is of the type of a default; lists and `null` are no objects. Types that are named are compared faster. */
function isLike<T extends Value>(value: unknown, like: T): value is T {
  if (typeof value === 'boolean') return typeof like === 'boolean'
  if (typeof value === 'string') return typeof like === 'string'
  if (typeof value !== 'object') return typeof value === typeof like
  return typeof like === 'object' && value !== null && Array.isArray(value) === Array.isArray(like)
}
