#!/usr/bin/env node
/** The command line: `turnout <command>`, or `npm run -s turnout -- <command>`. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { COMMANDS } from './program.ts'
import { run } from './run.ts'
import { drained, processTerminal } from './terminal.ts'

// A reader that has seen enough (`| head`) is no reason to fail.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })

const { env } = process
// npm runs scripts at the root of the project, wherever the user stands.
const { npm_lifecycle_event: script, INIT_CWD: userCwd } = env

process.exitCode = await run(process.argv.slice(2), COMMANDS, {
  env,
  root: fileURLToPath(new URL('..', import.meta.url)),
  cwd: (script === 'turnout' && userCwd) || process.cwd(),
  configHome: env.XDG_CONFIG_HOME || env.APPDATA || join(homedir(), '.config'),
  terminal: processTerminal(process),
  wait: (ms) => wait(ms),
  nowMs: () => Date.now(),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  drained: () => drained(process.stdout),
})
