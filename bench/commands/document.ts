/** What the environments of the benchmark hold: so many flags of four kinds, one that is toggled, one that is read. */
import type { FlagDocument } from '../../engine/index.ts'
import { document, keyOf, users } from '../flags.ts'

/** Switched on and off by the commands. */
export const TOGGLED = 'toggled'
/** Read by the queries. */
export const ASKED = keyOf('rules', 0)

export function commandsDocument(flags: number): FlagDocument {
  const others = document(users(), flags - 1)
  return { flags: { ...others.flags, [TOGGLED]: { enabled: true, percentage: 50, allowlist: ['user-1'] } } }
}
