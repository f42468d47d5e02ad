/** Turnout's local client, as a consumer would ship it: one minified ES module that has loaded its snapshot from an edge. */
import { readFileSync } from 'node:fs'
import type * as Bundled from '../../sdk/index.ts'
import type { Engine } from './engine.ts'

/** Paths of the bundled client and of the snapshot. */
export async function load(bundleFile: string, snapshotFile: string): Promise<Engine<Bundled.Context>> {
  const { createClient } = (await import(bundleFile)) as typeof Bundled
  const kills = { epoch: 0, version: 0, kills: [] }
  const delivery = `${JSON.stringify({ kills })}\n${readFileSync(snapshotFile, 'utf8')}`
  const client = createClient({
    url: 'https://edge.example.com',
    key: 'tk_server_x',
    stream: false,
    fetch: async () => new Response(delivery),
  })
  await client.ready
  client.close()
  if (client.error) throw client.error
  return {
    context: ({ id, ...attributes }) => ({ targetingKey: id, ...attributes }),
    boolean: (key, context) => client.boolean(key, false, context),
    text: (key, context) => client.string(key, 'control', context),
  }
}
