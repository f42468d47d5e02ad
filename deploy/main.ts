/** `npm run deploy -- --env NAME`. Exit codes: 0 deployed · 1 refused or failed · 2 the command line is wrong. */
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from './run.ts'
import { Wrangler } from './wrangler.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { env, stdin, stdout } = process
const { CF_ACCESS_CLIENT_ID: id, CF_ACCESS_CLIENT_SECRET: secret } = env

process.exitCode = await run(process.argv.slice(2), {
  root,
  wrangler: new Wrangler({
    command: [
      process.execPath,
      fileURLToPath(import.meta.resolve('wrangler/package.json').replace('package.json', 'bin/wrangler.js')),
    ],
    cwd: root,
    env,
  }),
  isTerminal: stdin.isTTY === true && stdout.isTTY === true,
  adminToken: env.TURNOUT_ADMIN_TOKEN || null,
  accessHeaders: id && secret ? { 'cf-access-client-id': id, 'cf-access-client-secret': secret } : {},
  say: (text) => stdout.write(text),
  complain: (text) => process.stderr.write(text),
  fetch,
  nowMs: Date.now,
  wait,
})
