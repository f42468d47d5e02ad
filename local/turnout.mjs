#!/usr/bin/env node
/**
 * `turnout` wherever the user stands, after `npm link`: sets the project up and runs cli/main.ts on its Node, in this process
 * where that is the Node already. Plain JavaScript, because older Nodes run no TypeScript.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { setup } from './setup.mjs'

const main = new URL('../cli/main.ts', import.meta.url)

function run(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal tells the child as well; it decides what becomes of the command.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`turnout: ${node} could not be started: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}

try {
  const node = setup(fileURLToPath(new URL('..', import.meta.url)))
  if (node === process.execPath) await import(main.href)
  else run(node)
} catch (error) {
  console.error(`turnout: ${error.message}`)
  process.exitCode = 1
}
