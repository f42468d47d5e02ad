/** Which changes take traffic back, so that nothing edges keep of responses from before them is used. Pure. */
import type { KillTarget, Route } from '../../engine/index.ts'
import type { SplitOf } from '../split.ts'
import type { Change } from './change.ts'

/**
 * An earlier version, everybody moved to one variant, the weights before, and a route's flag that is switched off. No other
 * edit: it cannot be told from a step forward.
 */
export function takesBack(change: Change, routes: () => readonly Route[]): boolean {
  if (change.do === 'restore') return true
  if (change.do !== 'edit') return false
  const { edit } = change
  const concerns = ({ kind, key }: SplitOf): boolean => kind === 'route' || isRouted(key, routes)
  switch (edit.do) {
    case 'toggle':
      return !edit.enabled && isRouted(edit.key, routes)
    case 'serve':
      return typeof edit.serve === 'string' && concerns(edit.of)
    case 'serve-previous':
      return concerns(edit.of)
    default:
      return false
  }
}

/** Whether a kill may move traffic: any but that of a flag that no route goes by. `routes` may throw: then it may. */
export function killsTraffic(target: KillTarget, routes: () => readonly Route[]): boolean {
  const flag = /^flag:(.*)$/.exec(target)?.[1]
  if (flag === undefined) return true
  try {
    return isRouted(flag, routes)
  } catch {
    return true
  }
}

const isRouted = (flag: string, routes: () => readonly Route[]): boolean =>
  routes().some((route) => route.flag === flag)
