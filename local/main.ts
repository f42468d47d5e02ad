/**
 * `npm start`, and with the argument `dev` `npm run dev`: a whole local run until Ctrl-C, a signal, or the end of the
 * terminal or of a Worker's process.
 */
import { join } from 'node:path'
import { banner } from './banner.ts'
import { PROJECT_ROOT } from './build.ts'
import { startBundles } from './bundles.ts'
import { startDev } from './dev.ts'
import { parseOptions } from './options.ts'
import { StartError } from './start-error.ts'
import { startSystem } from './system.ts'

const isDev = process.argv[2] === 'dev'
const stopping = new AbortController()
const asked = new Promise<null>((done) => {
  const stop = () => {
    stopping.abort(new StartError('stopped'))
    done(null)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  // The process that started this one has died (local/start.mjs).
  process.on('disconnect', stop)
})
// After the end of the terminal there is nobody to write to, and that must not keep anything from ending in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.exit(await run())

/** Resolves with the exit code when everything has ended. */
async function run(): Promise<number> {
  try {
    const options = parseOptions(process.env, PROJECT_ROOT)
    const system = isDev
      ? await startSystem({ ...options, stateDir: join(options.stateDir, 'dev') }, startDev, stopping.signal)
      : await startSystem(options, startBundles, stopping.signal)
    console.log(banner(system, isDev ? ' A saved change of either Worker reloads it.' : ''))
    const ended = await Promise.race([system.ended, asked])
    await system.stop()
    if (ended === null) {
      console.log('\nTurnout has stopped.')
      return 0
    }
    console.error(`\nturnout: ${ended}, so everything was stopped. State is kept in ${system.stateDir}.`)
    return 1
  } catch (error) {
    if (stopping.signal.aborted) return 0
    console.error(error instanceof StartError ? `turnout: ${error.message}` : error)
    return 1
  }
}
