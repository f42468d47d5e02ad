/** Both Workers of `npm start`: built once and served by one workerd, the runtime that they have in production. */
import { relative } from 'node:path'
import { ASSETS_DIR } from './assets.ts'
import { type Built, build } from './build.ts'
import type { Variables } from './options.ts'
import { ENVIRONMENT } from './seed.ts'
import { replaceFile } from './state.ts'
import type { Workers, WorkersRun } from './system.ts'
import { STORE_SECRETS } from './worker-settings.ts'
import { startWorkerd } from './workerd.ts'
import { type Bundle, workerdConfig } from './workerd-config.ts'
import type { Setting } from './workerd-parts.ts'

/** Enough for a document of 10 MB; far less than the 1.4 GB that V8 takes by itself under load. */
const MAX_HEAP_MB = 256

/** A `StartWorkers`. Says on standard output what it builds, which takes seconds. */
export async function startBundles(run: WorkersRun): Promise<Workers> {
  const { state } = run
  const bundles = await build(console.log, run.signal)
  replaceFile(state.configFile, configOf(run, bundles))
  const workerd = await startWorkerd({
    configFile: state.configFile,
    sockets: ['edge', 'admin'],
    onSpawn: run.onSpawn,
  })
  return {
    edgeUrl: `http://127.0.0.1:${workerd.ports.edge}`,
    adminUrl: `http://127.0.0.1:${workerd.ports.admin}`,
    ended: workerd.ended.then((how) => `workerd ended by itself (${how})`),
    stop: () => workerd.stop(),
  }
}

/** Secrets stay in the environment of the process, and out of the file. */
function settingsOf(store: Variables): Record<string, Setting> {
  const entries = Object.entries(store).map(([name, value = '']): [string, Setting] => [
    name,
    STORE_SECRETS.includes(name) ? { variable: name } : value,
  ])
  return Object.fromEntries(entries)
}

function configOf(run: WorkersRun, bundles: { edge: Built; admin: Built }): string {
  const { state } = run
  const bundle = ({ file, ...compatibility }: Built): Bundle => ({
    path: relative(state.dir, file),
    ...compatibility,
  })
  return workerdConfig({
    edge: {
      bundle: bundle(bundles.edge),
      address: `127.0.0.1:${run.edgePort}`,
      environment: ENVIRONMENT,
      cookieKey: run.cookieKey,
      signingKey: run.signingKey,
    },
    admin: {
      bundle: bundle(bundles.admin),
      address: `127.0.0.1:${run.adminPort}`,
      adminToken: run.adminToken,
      settings: settingsOf(run.store),
      storageDir: state.storageDir,
      assetsDir: ASSETS_DIR,
    },
    lastKnownGoodDir: state.lastKnownGoodDir,
    maxHeapMb: MAX_HEAP_MB,
  })
}
