/** Settings and SDK keys in terms of stored entities, both ways. */
import { DEFAULT_SETTINGS, type SdkKey, type Settings } from '../settings.ts'
import { type Change, pageEntities, readEntity } from './entities.ts'
import { recall } from './recall.ts'

/** The only key of the entity that holds the settings. */
export const SETTINGS_KEY = 'environment'

/** Throws if the environment has none, which no created one is without. */
export const readSettings = (sql: SqlStorage): Settings =>
  recall(sql, 'settings', () => {
    const stored = readEntity(sql, 'settings', SETTINGS_KEY)
    if (stored === null) throw new Error('[storage/settings] the environment has no settings')
    return { ...DEFAULT_SETTINGS, ...JSON.parse(stored.text) }
  })

export const settingsChange = (settings: Settings): Change => ({
  kind: 'settings',
  key: SETTINGS_KEY,
  text: JSON.stringify(settings),
})

/** By id. */
export const readKeys = (sql: SqlStorage): readonly SdkKey[] =>
  recall(sql, 'sdk-key', () =>
    pageEntities(sql, 'sdk-key', '', Number.MAX_SAFE_INTEGER).map(({ text }) => JSON.parse(text)),
  )

export const keyChange = (id: string, key: SdkKey | null): Change => ({
  kind: 'sdk-key',
  key: id,
  text: key === null ? null : JSON.stringify(key),
})
