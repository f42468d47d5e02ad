#!/usr/bin/env node
/** `turnout` wherever the user stands, after `npm link`: runs cli/main.ts. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onProjectNode } from './project-node.mjs'

const main = new URL('../cli/main.ts', import.meta.url)

await onProjectNode(main, (node) => {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal tells the child as well; it decides what becomes of the command.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return child
})
