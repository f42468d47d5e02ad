/** The countries over which a change is measured. Pure. */
import type { Condition, FlagDocument } from '../../engine/index.ts'
import { flagOf, leavesOf } from './rule-conditions.ts'

/** Most that are looked at for one flag. */
const MAX_COUNTRIES = 40
/** Those with the most internet users, which a document need not mention. */
const LARGEST = ['BR', 'CN', 'DE', 'FR', 'GB', 'ID', 'IN', 'JP', 'NG', 'US']

export interface Country {
  readonly country: string
  readonly continent: string | null
}

/** Where a country lies, of those that are looked at anyway. */
const CONTINENT: Readonly<Record<string, string>> = {
  ...{ BR: 'SA', CN: 'AS', DE: 'EU', FR: 'EU', GB: 'EU', ID: 'AS', IN: 'AS', JP: 'AS', NG: 'AF', US: 'NA' },
}

/** Those that the documents mention, then the largest. */
export function countriesOf(documents: readonly FlagDocument[]): Country[] {
  const mentioned = new Set<string>()
  for (const document of documents)
    for (const when of conditionsOf(document))
      for (const leaf of leavesOf(when))
        if ('attribute' in leaf && leaf.attribute === 'geo.country')
          for (const value of [leaf.value].flat()) if (typeof value === 'string') mentioned.add(value)
  return [...new Set([...[...mentioned].sort(), ...LARGEST])]
    .slice(0, MAX_COUNTRIES)
    .map((country) => ({ country, continent: CONTINENT[country] ?? null }))
}

function* conditionsOf(document: FlagDocument): Generator<Condition | undefined> {
  for (const key of Object.keys(document.flags))
    for (const { when } of flagOf(document, key)?.rules ?? []) yield when
  for (const { when } of Object.values(document.segments ?? {})) yield when
}
