/** Names of an environment's parameters: `/{prefix}/{environment}/flags/{KEY}` and so on. Pure. */
import type { EntityKind } from '../../document.ts'

/** Kinds of parameters that there are one of. */
const SINGLE = ['route-order', 'kills', 'manifest'] as const
type Single = (typeof SINGLE)[number]

/** What a parameter holds, by its name below the environment's path. */
export type Role =
  | { readonly holds: EntityKind; readonly key: string }
  | { readonly holds: Single }
  | { readonly holds: 'nothing of ours' }

const FOLDERS = { flag: 'flags', segment: 'segments', route: 'routes' } as const
const KINDS: Readonly<Record<string, EntityKind>> = { flags: 'flag', segments: 'segment', routes: 'route' }

export const ORDER = 'route-order'
export const KILLS = 'kills'
export const MANIFEST = 'manifest'

/** Below the environment's path. */
export const nameOf = (kind: EntityKind, key: string): string => `${FOLDERS[kind]}/${key}`

export function roleOf(name: string): Role {
  if ((SINGLE as readonly string[]).includes(name)) return { holds: name as Single }
  const [folder = '', key, ...rest] = name.split('/')
  const kind = Object.hasOwn(KINDS, folder) ? KINDS[folder] : undefined
  if (kind === undefined || key === undefined || rest.length > 0) return { holds: 'nothing of ours' }
  return { holds: kind, key }
}

/** Path of an environment: `/turnout/prod`. */
export const pathOf = (prefix: string, environment: string): string => `${prefix}/${environment}`
