/**
 * The local client, for servers: holds the snapshot and evaluates it here, by the engine that the edge itself runs. A check costs no
 * call, whosever context it is for; a change or a kill arrives in about a second. Whatever happens to the edge, it answers by what was
 * last known. For processes that live for long; on Workers and in functions: worker.ts.
 */
import { follow, type Pace } from './follow.ts'
import { isAhead } from './holding.ts'
import { type LocalClient, type LocalOptions, localClient } from './local.ts'
import { listen } from './stream.ts'

export type * from './client.ts'
export type { LocalClient, LocalOptions, SnapshotStorage } from './local.ts'

export interface ProcessOptions extends LocalOptions, Pace {
  /** Whether to listen for changes. Default `true`; else the edge is asked every `pollMs`. */
  readonly stream?: boolean
}

export function createClient(options: ProcessOptions): LocalClient {
  const { client, load, failed } = localClient(options)
  const closing = new AbortController()
  const { signal } = closing
  let streamless = 0
  const ready = new Promise<void>((settle) => client.on('ready', settle))
  follow(
    () => load(signal),
    options.stream === false
      ? null
      : (hear) =>
          listen(options, client.state!, signal, hear).catch((cause) =>
            signal.aborted ? 0 : failed(cause, streamless++),
          ),
    (state) => isAhead(state, client.state ?? ''),
    signal,
    options,
  )
  return Object.assign(client, {
    ready,
    async refresh() {
      await load(signal)
    },
    close: () => closing.abort(),
  })
}
