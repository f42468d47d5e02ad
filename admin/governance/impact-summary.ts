/** What an impact says, a sentence for each thing to know. Pure. */
import type { Key } from '../../engine/index.ts'
import type { FlagImpact } from './impact.ts'

/** Countries named in one sentence. */
const NAMED = 5

export function summaryOf(flags: readonly FlagImpact[], unmeasured: readonly Key[]): string[] {
  const sentences = flags.flatMap(({ flag, changed, moves, countries, listed }) => [
    changed === 0
      ? `flag ${flag}: no key changes variant`
      : `flag ${flag}: ${percent(changed)} of keys change variant: ${moves.map(({ from, to, share }) => `${percent(share)} ${from ?? 'nothing'} → ${to ?? 'nothing'}`).join(', ')}`,
    ...(listed.affected > 0
      ? [`flag ${flag}: ${listed.affected} of ${listed.users} listed users get another variant`]
      : []),
    ...(countries.length > 0
      ? [
          `flag ${flag}: ${countries
            .slice(0, NAMED)
            .map(
              ({ country, variant, before, after }) =>
                `${country} ${variant} ${percent(before)} → ${percent(after)}`,
            )
            .join(', ')}${countries.length > NAMED ? ', …' : ''}`,
        ]
      : []),
  ])
  return unmeasured.length === 0 ? sentences : [...sentences, `${unmeasured.length} more flags change`]
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`
