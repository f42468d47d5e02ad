/**
 * The platform's own floor: a Worker that does nothing but call a Durable Object, which does nothing but write one number
 * to its SQLite storage, or give one back from memory. Pure: options in, text out.
 */

export const FLOOR_WORKER = `import { DurableObject } from 'cloudflare:workers'
export class Floor extends DurableObject {
  #n = 0
  constructor(ctx, env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS floor (id INTEGER PRIMARY KEY, n INTEGER)')
  }
  write() {
    this.#n += 1
    this.ctx.storage.sql.exec('INSERT OR REPLACE INTO floor (id, n) VALUES (1, ?)', this.#n)
    return this.#n
  }
  read() {
    return this.#n
  }
}
export default {
  async fetch(request, env) {
    const stub = env.FLOOR.getByName('floor')
    return new Response(String(request.method === 'POST' ? await stub.write() : await stub.read()))
  },
}
`

/** `script` is relative to the configuration file, `storageDir` absolute. */
export const floorConfig = (
  script: string,
  storageDir: string,
  compatibilityDate: string,
): string => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-heap-size=256"],
  services = [
    (name = "floor", worker = (
      modules = [(name = "index.js", esModule = embed ${JSON.stringify(script)})],
      compatibilityDate = ${JSON.stringify(compatibilityDate)},
      bindings = [(name = "FLOOR", durableObjectNamespace = "Floor")],
      durableObjectNamespaces = [(className = "Floor", uniqueKey = "floor", enableSql = true)],
      durableObjectStorage = (localDisk = "storage")
    )),
    (name = "storage", disk = (path = ${JSON.stringify(storageDir)}, writable = true))
  ],
  sockets = [(name = "admin", address = "127.0.0.1:0", http = (), service = "floor")]
);
`
