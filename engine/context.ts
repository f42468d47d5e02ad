/**
 * The evaluation context and how attributes are read from it: an own key first, then a dotted path through own
 * properties, never the prototype chain. Pure. A getter that throws is the caller's `evaluate` to catch.
 */
import type { AttributePath } from './document.ts'

/** OpenFeature's evaluation context: a targeting key and any attributes. */
export interface EvaluationContext {
  readonly targetingKey?: unknown
  readonly [attribute: string]: unknown
}

export type Read = (context: EvaluationContext) => unknown

/** A reader for a path; `undefined` where nothing is there. */
export function reader(path: AttributePath): Read {
  if (path === 'targetingKey') return targetingKey
  if (!path.includes('.')) return (context) => own(context, path)
  const parts = path.split('.')
  return (context) => {
    let value = own(context, path)
    if (value !== undefined) return value
    value = context
    for (const part of parts) {
      if (typeof value !== 'object' || value === null) return undefined
      value = own(value, part)
    }
    return value
  }
}

const PLAIN = Object.prototype as EvaluationContext

/**
 * The targeting key, or `undefined`. Whether a property is own costs more to ask than whether the object is a plain one, of
 * which all that it could inherit is at hand.
 */
export function targetingKey(context: EvaluationContext): unknown {
  const value = context.targetingKey
  const isSafe =
    value === undefined || (Object.getPrototypeOf(context) === PLAIN && PLAIN.targetingKey === undefined)
  return isSafe ? value : own(context, 'targetingKey')
}

/** An own property of an object, or `undefined`. */
export function own(object: object, key: string): unknown {
  const value = (object as EvaluationContext)[key]
  return value !== undefined && Object.hasOwn(object, key) ? value : undefined
}
