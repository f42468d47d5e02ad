/**
 * Runs a file on the project's Node once the checkout is set up: in this process where that is the Node already, else in a child
 * whose exit code becomes this one's. Plain JavaScript, because older Nodes run no TypeScript.
 */
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { setup } from './setup.mjs'

/** `start`: gives the child process that runs `main` on the Node at a path. What fails is said in one sentence. */
export async function onProjectNode(main, start) {
  try {
    const node = setup(fileURLToPath(new URL('..', import.meta.url)))
    if (node === process.execPath) await import(main.href)
    else follow(start(node), node)
  } catch (error) {
    console.error(`turnout: ${error.message}`)
    process.exitCode = 1
  }
}

function follow(child, node) {
  child.on('error', (error) => {
    console.error(`turnout: ${node} could not be started: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}
