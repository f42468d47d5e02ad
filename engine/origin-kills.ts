/** What a kill list says of an address of an origin, by its name `ROUTE/VARIANT` or `ROUTE/VARIANT/HOST`. Pure. Never throws. */
import type { KillList } from './kills.ts'

/** Whether it is killed. */
export const isOriginKilled = ({ kills }: KillList, name: string): boolean =>
  kills.some(({ target }) => target.startsWith('origin:') && names(target.slice('origin:'.length), name))

/** The version with which its breaker was last closed by hand; 0: not lately. */
export const closingOf = ({ closings = [] }: KillList, name: string): number =>
  closings.reduce((last, { origin, version }) => (names(origin, name) ? Math.max(last, version) : last), 0)

/** An origin's name stands for all members of its pool. */
const names = (origin: string, name: string): boolean => name === origin || name.startsWith(`${origin}/`)
