/** The command line: `npm run -s turnout -- <command>`. Each command is one entry of the table. */
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Commands, dispatch } from './command.ts'

const COMMANDS: Commands = {
  import: {
    summary: 'bring flags from SSM, AppConfig or a file into an environment',
    load: async () => (await import('./import.ts')).importCommand,
  },
}

// A reader that has seen enough (`| head`) is no reason to fail.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })

// npm runs scripts at the root of the project, wherever the user stands.
const { npm_lifecycle_event: script, INIT_CWD: userCwd } = process.env

process.exitCode = await dispatch(process.argv.slice(2), COMMANDS, {
  env: process.env,
  root: fileURLToPath(new URL('..', import.meta.url)),
  cwd: (script === 'turnout' && userCwd) || process.cwd(),
  wait: (ms) => wait(ms),
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
