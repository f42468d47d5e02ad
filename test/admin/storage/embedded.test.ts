import { runInDurableObject } from 'cloudflare:test'
import { embeddedStore } from '../../../admin/objects/embedded-store.ts'
import type { FlagStore } from '../../../admin/storage/store.ts'
import type { FlagDocument } from '../../../engine/index.ts'
import { ANY, call, environment, value } from '../client.ts'
import { describeStore } from './contract.ts'

// Its shell is in another isolate's object: each call goes there.
describeStore(
  'embedded',
  async () => {
    const { api, stub } = await environment()
    const within = <T>(work: (store: FlagStore) => Promise<T>) =>
      runInDurableObject(stub, (instance) => work(embeddedStore(Reflect.get(instance, 'room'), AUTHOR)))
    return {
      store: {
        ...{ kind: 'embedded', place: 'embedded', pollAfterMs: 0, saveKills: null },
        load: (known) => within((store) => store.load(known)),
        save: (document, expected) => within((store) => store.save(document, expected)),
      },
      outside: async (document: FlagDocument) => {
        await value(await call(`${api}/document`, { method: 'PUT', body: document, headers: ANY }))
      },
      pass: async () => {},
    }
  },
  { routes: true },
)

const AUTHOR = { actor: 'test', reason: null, requestId: null, address: null }
