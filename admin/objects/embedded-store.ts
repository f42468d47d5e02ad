/** The environment's own SQLite, as a store like those in AWS: what documents are copied from and to. */
import { err, type FlagDocument, ok } from '../../engine/index.ts'
import { presentDocument } from '../document.ts'
import type { Author } from '../settings.ts'
import { killsForEdges } from '../storage/kills.ts'
import { readState, type State } from '../storage/state.ts'
import type { FlagStore, Revision } from '../storage/store.ts'
import type { Room } from './room.ts'

/** `author`: who saves. There must be an environment. */
export function embeddedStore(room: Room, author: Author): FlagStore {
  const { sql, publisher, ledger } = room
  const current = (): State => {
    const state = readState(sql)
    if (state === null) throw new Error('[embedded-store] there is no environment')
    return state
  }
  return {
    kind: 'embedded',
    place: `embedded ${current().name}`,
    pollAfterMs: Number.POSITIVE_INFINITY,
    saveKills: null,
    load: async (known) => {
      const state = current()
      if (known === revisionOf(state)) return ok('unchanged')
      const document = presentDocument(publisher.document(state))
      const found = { document, kills: killsForEdges(sql), warnings: [], reason: null, blank: false }
      return ok({ revision: revisionOf(state), ...found })
    },
    save: async (document: FlagDocument, expected: Revision) =>
      ledger.write((nowMs) => {
        const state = current()
        if (revisionOf(state) !== expected) {
          const detail = `environment ${state.name} is at version ${state.version}, not at ${expected.split('.')[1]}`
          return err({ reason: 'changed', detail, overwritten: null })
        }
        const act = { action: 'document.replaced', subject: 'document', author } as const
        const published = publisher.publishDocument(state, document, act, nowMs, 'anywhere')
        if (!published.ok)
          return err({
            reason: 'invalid',
            errors: 'errors' in published.error ? published.error.errors : [],
          })
        if (published.value.state.version !== state.version) ledger.mark(nowMs, 'last-known-good')
        return ok(revisionOf(published.value.state))
      }),
  }
}

const revisionOf = ({ epoch, version }: State): Revision => `${epoch}.${version}`
