/** A flag in a few words, for lists. Pure. */
import { type CanonicalFlag, type Kill, killOfFlag, type Serve } from '../engine/index.ts'
import { count } from './words.ts'

export interface FlagSummary {
  readonly state: 'on' | 'off' | 'KILLED'
  /** Variants that it serves: `off`, `on 50 %, else off`, `3 rules, else stable`. */
  readonly serves: string
  /** Target of the kill that holds for it. */
  readonly killedBy: string | null
}

export function flagSummary(key: string, flag: CanonicalFlag, kills: readonly Kill[]): FlagSummary {
  const kill = killOfFlag({ epoch: 0, version: 0, kills }, key, flag.tags)
  const { off, variants } = flag
  if (kill !== undefined) {
    const served = kill.variant !== undefined && Object.hasOwn(variants, kill.variant) ? kill.variant : off
    return { state: 'KILLED', serves: served, killedBy: kill.target }
  }
  return { state: flag.enabled ? 'on' : 'off', serves: flag.enabled ? rulesOf(flag) : off, killedBy: null }
}

/** Rules that still send somebody elsewhere than what comes after them: `ten-percent serves canary to 10 %`. */
export function rulesBefore({ rules, fallthrough }: CanonicalFlag): string[] {
  return rules
    .filter(({ serve }) => JSON.stringify(serve) !== JSON.stringify(fallthrough))
    .map(({ id, serve, percentage }) => {
      const whom = typeof percentage === 'number' ? ` to ${percentage} %` : ''
      return `${id} serves ${serveOf(serve)}${whom}`
    })
}

function rulesOf({ rules, fallthrough }: CanonicalFlag): string {
  const rest = serveOf(fallthrough)
  if (rules.length === 0) return rest
  const [only] = rules
  const plain = rules.length === 1 && only!.when === undefined && typeof only!.percentage === 'number'
  return plain
    ? `${serveOf(only!.serve)} ${only!.percentage} %, else ${rest}`
    : `${count(rules.length, 'rule')}, else ${rest}`
}

function serveOf(serve: Serve): string {
  if (typeof serve === 'string') return serve
  const weights = Object.entries(serve)
  const sum = weights.reduce((total, [, weight]) => total + weight, 0)
  return weights.map(([name, weight]) => `${name} ${Number(((100 * weight) / sum).toFixed(3))} %`).join(', ')
}
