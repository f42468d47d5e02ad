/** What a flag serves to those whom no rule takes: one variant, or weights. Pure. */
import { isObject } from '../engine/check.ts'
import {
  canonicalFlag,
  type Flag,
  type Name,
  ok,
  type Result,
  type Serve,
  type ShortFlag,
} from '../engine/index.ts'
import { conflict, type Failure, invalid } from './failure.ts'

/** A flag, or the route whose flag it is. */
export interface SplitOf {
  readonly kind: 'flag' | 'route'
  readonly key: string
}

/**
 * The flag, enabled, with another fallthrough. Rules stay as they are and go first. `from`: the variant that it must be
 * serving now; `null`: any.
 */
export function serving(
  key: string,
  written: unknown,
  serve: Serve,
  from: Name | null,
): Result<Flag, Failure> {
  const flag = canonicalFlag(written as Flag | ShortFlag)
  const now = soleVariant(flag.enabled ? flag.fallthrough : flag.off)
  if (from !== null && now !== from)
    return conflict(
      'changed-since',
      `flag ${key} serves ${now ?? JSON.stringify(flag.fallthrough)}, not ${from}`,
    )
  return ok({ ...flag, enabled: true, fallthrough: serve })
}

/** The newest earlier form of the flag that served something else. `earlier`: its texts, newest first. */
export function servedBefore(
  key: string,
  written: unknown,
  earlier: Iterable<string>,
): Result<Serve, Failure> {
  const serveOf = (flag: unknown) => canonicalFlag(flag as Flag | ShortFlag).fallthrough
  const now = JSON.stringify(serveOf(written))
  for (const text of earlier) {
    const serve = serveOf(JSON.parse(text))
    if (JSON.stringify(serve) !== now) return ok(serve)
  }
  return conflict('changed-since', `no version that is kept has flag ${key} serve anything but ${now}`)
}

/** `1:90,2:10` as weights by variant. Names may hold anything but a comma; the last colon parts name and weight. */
export function parseWeights(text: string): Result<Record<Name, number>, Failure> {
  const weights = new Map<Name, number>()
  for (const part of text.split(',')) {
    const [, name, weight] = /^\s*(.+):\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? []
    if (name === undefined) return invalid('weights', '$.weights', `must be like "1:90,2:10", got "${text}"`)
    if (weights.has(name)) return invalid('weights', '$.weights', `names variant ${name} twice`)
    weights.set(name, Number(weight))
  }
  return ok(Object.fromEntries(weights))
}

/** The variant that gets everything; `null`: several share. */
function soleVariant(serve: Serve): Name | null {
  if (!isObject(serve)) return serve as Name
  const served = Object.entries(serve).filter(([, weight]) => (weight as number) > 0)
  return served.length === 1 ? served[0]![0] : null
}
