/**
 * wrangler as far as a deployment calls it, as a process: it answers as wrangler 4.155 does, on an account that is the
 * JSON file FAKE_ACCOUNT, and notes each call there. Plain JavaScript without dependencies.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const file = process.env.FAKE_ACCOUNT
const account = JSON.parse(readFileSync(file, 'utf8'))
const args = process.argv.slice(2)
const option = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
const config = option('--config') === undefined ? {} : JSON.parse(readFileSync(option('--config'), 'utf8'))
const call = { args, config }
account.calls.push(call)

const end = (code) => {
  writeFileSync(file, JSON.stringify(account))
  process.exit(code)
}
const fail = (message) => {
  process.stderr.write(
    `\x1b[31m✘ \x1b[41;31m[\x1b[41;97mERROR\x1b[41;31m]\x1b[0m \x1b[1m${message}\x1b[0m\n\n`,
  )
  process.stderr.write('\n🪵  Logs were written to "/home/you/.config/.wrangler/logs/wrangler.log"\n')
  end(1)
}
const NO_LOGIN =
  "In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN environment variable for wrangler to work."

const command = args.slice(0, 3).join(' ')
if (account.problems[command]) fail(account.problems[command])
if (command.startsWith('whoami')) {
  console.log(
    JSON.stringify({ loggedIn: account.loggedIn, ...(account.loggedIn && { authType: 'OAuth Token' }) }),
  )
  end(account.loggedIn ? 0 : 1)
}
const dryRun = args.includes('--dry-run')
if (!account.loggedIn && !dryRun) fail(NO_LOGIN)
if (account.several && config.account_id === undefined && !dryRun)
  fail('More than one account available but unable to select one in non-interactive mode.')

if (command === 'kv namespace list') console.log(JSON.stringify(account.namespaces))
else if (command === 'kv namespace create') {
  const title = args[3]
  if (account.namespaces.some((each) => each.title === title))
    fail(`a namespace with this account ID and title already exists [code: 10014]`)
  account.namespaces.push({ id: String(account.namespaces.length + 1).padStart(32, 'a'), title })
  console.log(`🌀 Creating namespace with title "${title}"\n✨ Success!`)
} else if (command.startsWith('secret list')) {
  const worker = account.workers[option('--name')]
  if (worker === undefined)
    fail(
      `Worker "${option('--name')}" not found.\n\nIf this is a new Worker, run \`wrangler deploy\` first to create it.`,
    )
  console.log(
    JSON.stringify(
      Object.keys(worker.secrets).map((name) => ({ name, type: 'secret_text' })),
      null,
      '  ',
    ),
  )
} else if (args[0] === 'deploy') deploy()
else fail(`Unknown arguments: ${args.join(', ')}`)
end(0)

function deploy() {
  const { name } = config
  const problem = account.problems[dryRun ? `build ${name}` : `deploy ${name}`]
  if (problem !== undefined) fail(problem)
  console.log('Total Upload: 58.86 KiB / gzip: 22.82 KiB')
  if (dryRun) return
  const secretsFile = option('--secrets-file')
  const given = secretsFile === undefined ? {} : JSON.parse(readFileSync(secretsFile, 'utf8'))
  const worker = account.workers[name] ?? { secrets: {}, version: 0 }
  const secrets = { ...worker.secrets, ...given }
  const missing = config.secrets.required.filter((each) => !(each in secrets))
  if (missing.length > 0) fail(`The following required secrets have not been set: ${missing.join(', ')}`)
  for (const { service } of config.services ?? [])
    if (account.workers[service] === undefined)
      fail(`Could not resolve service binding 'CONTROL'. Target script '${service}' not found. [code: 10143]`)
  const version = worker.version + 1
  account.workers[name] = { secrets, version }
  const targets = [
    ...(config.workers_dev ? [`https://${name}.you.workers.dev`] : []),
    ...config.routes.map(({ pattern, custom_domain }) =>
      custom_domain ? `${pattern} (custom domain)` : pattern,
    ),
  ]
  const entry = { type: 'deploy', version: 1, worker_name: name, version_id: `${name}-v${version}`, targets }
  if (account.declined) entry.version_id = null
  writeFileSync(
    process.env.WRANGLER_OUTPUT_FILE_PATH,
    `{"type":"wrangler-session","version":1}\n${JSON.stringify(entry)}\n`,
  )
}
