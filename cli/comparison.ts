/** What differs between two versions or environments, for people. Pure. */
import type { components } from '../admin/api/openapi-types.d.ts'
import { patchLines } from './patch-lines.ts'
import { count } from './words.ts'

export type Comparison = components['schemas']['Comparison']

export const SIGNS = { added: '+', changed: '~', removed: '-' } as const

type Difference = Comparison['differences'][number]

/** `kind` is only shown. */
type Compared = Pick<Comparison, 'same' | 'reordered'> & {
  readonly differences: readonly (Omit<Difference, 'kind'> & { readonly kind: string })[]
}

export function comparisonLines({ differences, same, reordered }: Compared): string[] {
  return [
    ...differences.flatMap(({ kind, key, change, patch }) => [
      `  ${SIGNS[change]} ${kind} ${key}`,
      ...(change === 'changed' ? changed(patch) : []),
    ]),
    ...(reordered ? ['  ~ the order of the routes'] : []),
    differences.length === 0 && !reordered
      ? 'Nothing differs.'
      : `${count(differences.length, 'difference')}; ${sameOnes(same)} the same.`,
  ]
}

const sameOnes = (n: number): string =>
  n === 1 ? '1 flag, segment or route is' : `${n} flags, segments and routes are`

const changed = (patch: Difference['patch']): string[] =>
  (patch === null ? ['too large to show'] : patchLines(patch)).map((line) => `      ${line}`)
