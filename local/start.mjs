/**
 * `npm start` and, with the argument `dev`, `npm run dev`: sets the checkout up and runs local/main.ts on the project's
 * Node, in this process where that is the Node already, else in a child that gets every signal and gives its exit code.
 * Plain JavaScript without dependencies.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { setup } from './setup.mjs'

const main = new URL('main.ts', import.meta.url)

function run(node) {
  // The IPC channel tells the child at once when this process dies, however it dies.
  const args = ['--disable-warning=ExperimentalWarning', fileURLToPath(main), ...process.argv.slice(2)]
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`turnout: ${node} could not be started: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}

/** Between two looks at whether npm still lives. */
const WATCH_MS = 250

/**
 * npm cannot pass on the signal that kills it, so this process stops when npm has gone. Without npm it may outlive its
 * parent: that is what `nohup` is for.
 */
function stopWithNpm() {
  if (!['start', 'dev'].includes(process.env.npm_lifecycle_event)) return
  const npm = process.ppid
  setInterval(() => {
    if (process.ppid !== npm) process.kill(process.pid, 'SIGTERM')
  }, WATCH_MS).unref()
}

try {
  stopWithNpm()
  const node = setup(fileURLToPath(new URL('..', import.meta.url)))
  if (node === process.execPath) await import(main.href)
  else run(node)
} catch (error) {
  console.error(`turnout: ${error.message}`)
  process.exitCode = 1
}
