/**
 * A deployment from beginning to end: everything that can be refused is refused before anything is changed; then the
 * control plane, then the edge, which binds to it; then a look at both. Every step may be repeated.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { tagOf } from '../local/release.ts'
import { Account } from './account.ts'
import { type AfterWorld, nextSteps, smokeTest } from './after.ts'
import type { Options } from './options.ts'
import { configsOf, type Plan, showPlan } from './plan.ts'
import { prepare } from './prepare.ts'
import { Failed, type Refusal, Refused, refuseIfAny } from './refusal.ts'
import { checkSecrets, type SecretsOfWorker, showSecrets } from './secret-check.ts'
import { type Located, namespaceTitle } from './worker-config.ts'
import { type Deployed, type Wrangler, wordsOf } from './wrangler.ts'

export interface World extends AfterWorld {
  readonly root: string
  readonly wrangler: Wrangler
  /** Somebody can read questions and answer them. */
  readonly isTerminal: boolean
}

/** Throws `Refused`, `Failed`. */
export async function deploy(options: Options, world: World): Promise<void> {
  const plan = prepare(options, world.root)
  world.say(showPlan(plan, world.root))
  const offline = configsOf(plan)
  for (const config of [offline.controlPlane, offline.edge]) await build(config, world)
  if (options.dryRun) {
    world.say('Dry run: both Workers build; Cloudflare was not asked, and nothing was deployed.\n')
    if (plan.refused.length > 0) throw new Refused(plan.refused, 'a deployment would be refused')
    if (terminalRefusals(plan, options, world).length > 0)
      world.say('Without a terminal, as here, the deployment itself needs --yes.\n')
    return
  }

  const account = new Account(world.wrangler)
  await account.requireLogin()
  refuseIfAny(terminalRefusals(plan, options, world))
  const secrets = await checkSecrets(plan, options.generateSecrets, account)
  // Now, not later: a deployment that fails may have set them.
  world.say(showSecrets(secrets))
  const namespace = await ensureNamespace(plan, world, account)
  const configs = configsOf(plan, namespace)
  write(configs.controlPlane)
  write(configs.edge)

  const controlPlane = await deployControlPlane(plan, configs.controlPlane, secrets.controlPlane, world)
  const edge = await deployEdge(plan, configs.edge, secrets.edge, controlPlane, world)
  const isEmpty = options.smokeTest
    ? await smokeTest(plan, { controlPlane, edge }, secrets, world)
    : secrets.edge.isNew
  world.say(`\nDeployed. ${nextSteps(plan, isEmpty, controlPlane)}`)
}

/** The bundler and the checks of wrangler, without a word to Cloudflare. */
async function build(config: Located, { wrangler, say }: World): Promise<void> {
  write(config)
  const outdir = join(dirname(config.path), String(config.config.name))
  const ran = await wrangler.run('deploy', '--dry-run', '--config', config.path, '--outdir', outdir)
  if (ran.code !== 0)
    throw new Refused([
      {
        problem: `${config.config.name} does not build: ${wordsOf(ran)}`,
        next: 'npm run check, and mend what it says',
      },
    ])
  say(`  ${config.config.name} builds: ${/^Total Upload: .*$/m.exec(ran.stdout)?.[0] ?? 'size unknown'}\n`)
}

function write({ path, config }: Located): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`)
}

function terminalRefusals(plan: Plan, { yes }: Options, { isTerminal }: World): Refusal[] {
  if (isTerminal || yes) return []
  const domains = [...plan.file.controlPlane.domains, ...plan.edge.domains]
  return [
    {
      problem: `there is no terminal, and without one wrangler answers its own questions with yes: it would take over the DNS records of ${domains.join(', ') || 'these Workers'} from whatever they lead to now`,
      next: 'the first time, run it in a terminal; where that is what you want, add --yes',
    },
  ]
}

async function ensureNamespace(plan: Plan, { say }: World, account: Account): Promise<string> {
  const title = namespaceTitle(plan.file)
  const found = await account.namespace(title, plan.paths.controlPlane)
  if (found !== null) return found
  const id = await account.createNamespace(title, plan.paths.controlPlane)
  say(`\n  KV namespace ${title} is new, with id ${id}\n`)
  return id
}

async function deployControlPlane(
  plan: Plan,
  config: Located,
  secrets: SecretsOfWorker,
  world: World,
): Promise<Deployed> {
  const { name } = plan.file.controlPlane
  return deployWorker(plan, config, secrets, world, (why) => {
    const state = [
      `The edge ${plan.edge.name} is as it was.`,
      `Whether ${name} changed, wrangler says: npx wrangler deployments list --name ${name}`,
    ]
    return new Failed(`the control plane ${name} was not deployed${why}`, state, AGAIN)
  })
}

async function deployEdge(
  plan: Plan,
  config: Located,
  secrets: SecretsOfWorker,
  controlPlane: Deployed,
  world: World,
): Promise<Deployed> {
  const { name } = plan.edge
  return deployWorker(plan, config, secrets, world, (why) => {
    const back = `npx wrangler rollback --name ${plan.file.controlPlane.name}`
    const state = [
      `The control plane ${plan.file.controlPlane.name} is deployed, version ${controlPlane.versionId}.`,
      secrets.isNew
        ? `There is no edge ${name} yet.`
        : `The edge ${name} serves as before: it works with a control plane that is newer.`,
      `The control plane can go back, unless the release brought a Durable Object migration: ${back}`,
    ]
    return new Failed(`the edge ${name} was not deployed${why}`, state, AGAIN)
  })
}

const AGAIN =
  'mend what wrangler says, and run the same command again: what is done already is done once more, harmlessly'

async function deployWorker(
  plan: Plan,
  { path, config }: Located,
  { generated }: SecretsOfWorker,
  { wrangler, isTerminal, say }: World,
  failed: (why: string) => Failed,
): Promise<Deployed> {
  say(`\nDeploying ${config.name} …\n`)
  const folder = mkdtempSync(join(tmpdir(), 'turnout-secrets-'))
  try {
    const secrets = join(folder, 'secrets.json')
    const release = tagOf(plan.release)
    const args = ['--config', path, '--tag', release, '--message', `Turnout ${release}`]
    if (Object.keys(generated).length > 0) {
      writeFileSync(secrets, JSON.stringify(generated), { mode: 0o600 })
      args.push('--secrets-file', secrets)
    }
    const ran = await wrangler.deploy(args, isTerminal)
    if (ran.code !== 0) throw failed(isTerminal ? ': wrangler says why above' : `: ${wordsOf(ran)}`)
    // Somebody answered one of its questions with no.
    if (ran.versionId === null) throw failed(': wrangler ended without a new version')
    for (const target of ran.targets) say(`  ${target}\n`)
    return ran
  } finally {
    rmSync(folder, { recursive: true })
  }
}
