/** `npm start` and, with the argument `dev`, `npm run dev`: runs local/main.ts, which gets every signal. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onProjectNode } from './project-node.mjs'

const main = new URL('main.ts', import.meta.url)

function start(node) {
  // The IPC channel tells the child at once when this process dies, however it dies.
  const args = ['--disable-warning=ExperimentalWarning', fileURLToPath(main), ...process.argv.slice(2)]
  const child = spawn(node, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return child
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

stopWithNpm()
await onProjectNode(main, start)
