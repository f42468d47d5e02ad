import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DEPLOY_TOML, type FakeAccount, project } from './run.ts'

const NAMESPACE = 'turnout-admin-last-known-good'
const CONTROL_PLANE = 'https://turnout.shop.dev/health/ready'
const EDGE = 'https://www.shop.dev/.turnout/health/ready'

/** An account on which everything was deployed before. */
const DEPLOYED: Partial<FakeAccount> = {
  namespaces: [
    { id: 'b'.repeat(32), title: 'something-else' },
    { id: 'c'.repeat(32), title: NAMESPACE },
  ],
  workers: {
    'turnout-admin': { secrets: { ADMIN_BOOTSTRAP_TOKEN: 'kept' }, version: 4 },
    'turnout-edge-prod': { secrets: { COOKIE_KEY: 'kept', SIGNING_KEY: 'kept' }, version: 7 },
  },
}

const ready = (id: string) => () => Response.json({ status: 'ready', release: { id, tag: 't' } })

describe('the first deployment', () => {
  test('makes namespace and secrets, and deploys the control plane, then the edge', async () => {
    const { deploy } = project()
    const { code, out, err, account, commands } = await deploy(
      '--env prod --generate-secrets --yes --skip-smoke-test',
    )
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(commands).toEqual([
      'deploy control-plane --dry-run',
      'deploy edge --dry-run',
      'whoami',
      'secret list turnout-admin',
      'secret list turnout-edge-prod',
      'kv namespace list',
      `kv namespace create ${NAMESPACE}`,
      'kv namespace list',
      'deploy control-plane',
      'deploy edge',
    ])
    const { ADMIN_BOOTSTRAP_TOKEN } = account.workers['turnout-admin']!.secrets
    const { COOKIE_KEY, SIGNING_KEY } = account.workers['turnout-edge-prod']!.secrets
    expect(ADMIN_BOOTSTRAP_TOKEN).toMatch(/^tn_[\w-]{43}$/)
    expect(COOKIE_KEY).toMatch(/^[\w-]{43}$/)
    expect(out.split(ADMIN_BOOTSTRAP_TOKEN!)).toHaveLength(2)
    expect(out.split(COOKIE_KEY!)).toHaveLength(2)
    expect(SIGNING_KEY).toMatch(/^[\w-]{43}$/)
    expect(out.split(SIGNING_KEY!)).toHaveLength(2)
    expect(out).toContain('curl -X PUT https://turnout.shop.dev/api/v1/environments/prod')
  })

  test('gives both Workers the new namespace, and each its address', async () => {
    const { root, deploy } = project()
    const { account } = await deploy('--env prod --generate-secrets --yes --skip-smoke-test')
    const [controlPlane, edge] = account.calls.slice(-2).map(({ config }) => config)
    expect(controlPlane).toMatchObject({
      name: 'turnout-admin',
      main: '../../../admin/index.ts',
      alias: { '../locales/index.js': '../../../admin/no-locales.ts' },
      assets: { directory: '../../assets', binding: 'ASSETS' },
      workers_dev: false,
      preview_urls: false,
      routes: [{ pattern: 'turnout.shop.dev', custom_domain: true }],
      kv_namespaces: [{ binding: 'LAST_KNOWN_GOOD', id: account.namespaces[0]!.id }],
      secrets: { required: ['ADMIN_BOOTSTRAP_TOKEN'] },
    })
    expect(edge).toMatchObject({
      name: 'turnout-edge-prod',
      vars: { ENVIRONMENT: 'prod', FALLBACK_ORIGIN: 'https://stable.shop.dev', LOCATION_CACHE: 'true' },
      services: [{ binding: 'CONTROL', service: 'turnout-admin', props: { environment: 'prod' } }],
      kv_namespaces: [{ binding: 'LAST_KNOWN_GOOD', id: account.namespaces[0]!.id }],
    })
    expect(readFileSync(join(root, 'wrangler.toml'), 'utf8')).toContain('ENVIRONMENT = "dev"')
  })

  test('leaves no secret in a file', async () => {
    const { root, deploy } = project()
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('turnout-'))
    const { account } = await deploy('--env prod --generate-secrets --yes --skip-smoke-test')
    const { ADMIN_BOOTSTRAP_TOKEN } = account.workers['turnout-admin']!.secrets
    const files = readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    expect(files.length).toBeGreaterThan(1)
    expect(files.join('')).not.toContain(ADMIN_BOOTSTRAP_TOKEN)
    const after = readdirSync(tmpdir()).filter((name) => /^turnout-(?:secrets|deploy)-/.test(name))
    expect(after.filter((name) => !before.includes(name))).toEqual([])
  })

  test('without --generate-secrets is refused, with the command for each secret', async () => {
    const { deploy } = project()
    const { code, err, account } = await deploy('--env prod --yes')
    expect(code).toBe(1)
    expect(err).toContain('turnout-admin has no secret ADMIN_BOOTSTRAP_TOKEN, which opens the admin API')
    expect(err).toContain('npx wrangler secret put ADMIN_BOOTSTRAP_TOKEN --name turnout-admin')
    expect(err).toContain('npx wrangler secret put COOKIE_KEY --name turnout-edge-prod')
    expect(account.namespaces).toEqual([])
    expect(account.workers).toEqual({})
  })
})

describe('a later deployment', () => {
  test('uses the namespace and the secrets that are there', async () => {
    const { deploy } = project(DEPLOYED)
    const { code, out, account, commands } = await deploy(
      '--env prod --yes --generate-secrets --skip-smoke-test',
    )
    expect(code).toBe(0)
    expect(commands).not.toContain(`kv namespace create ${NAMESPACE}`)
    expect(account.calls.at(-1)!.config.kv_namespaces[0].id).toBe('c'.repeat(32))
    expect(account.calls.at(-1)!.args).not.toContain('--secrets-file')
    expect(account.workers['turnout-admin']).toEqual({
      secrets: { ADMIN_BOOTSTRAP_TOKEN: 'kept' },
      version: 5,
    })
    expect(account.workers['turnout-edge-prod']).toEqual({
      secrets: { COOKIE_KEY: 'kept', SIGNING_KEY: 'kept' },
      version: 8,
    })
    expect(out).not.toContain('generated')
    expect(out).toContain('npx wrangler rollback --name turnout-edge-prod')
  })

  test('makes up only the secret that is missing', async () => {
    const { deploy } = project({
      ...DEPLOYED,
      workers: { ...DEPLOYED.workers, 'turnout-edge-prod': { secrets: { COOKIE_KEY: 'kept' }, version: 7 } },
    })
    const { code, account } = await deploy('--env prod --yes --generate-secrets --skip-smoke-test')
    expect(code).toBe(0)
    expect(account.workers['turnout-admin']!.secrets).toEqual({ ADMIN_BOOTSTRAP_TOKEN: 'kept' })
    const { COOKIE_KEY, ...made } = account.workers['turnout-edge-prod']!.secrets
    expect(COOKIE_KEY).toBe('kept')
    expect(Object.keys(made)).toEqual(['SIGNING_KEY'])
  })

  test('goes without SIGNING_KEY, and says what is not there and how to set it', async () => {
    const { deploy } = project({
      ...DEPLOYED,
      workers: { ...DEPLOYED.workers, 'turnout-edge-prod': { secrets: { COOKIE_KEY: 'kept' }, version: 7 } },
    })
    const { code, out, account } = await deploy('--env prod --yes --skip-smoke-test')
    expect(code).toBe(0)
    expect(account.workers['turnout-edge-prod']!.secrets).toEqual({ COOKIE_KEY: 'kept' })
    expect(out).toContain(
      'turnout-edge-prod has no secret SIGNING_KEY, so origins with "context": true are told nothing that is signed',
    )
    expect(out).toContain('npx wrangler secret put SIGNING_KEY --name turnout-edge-prod')
    expect((await project(DEPLOYED).deploy('--env prod --yes --skip-smoke-test')).out).not.toContain(
      'has no secret',
    )
  })

  test('of another environment has an edge of its own, and the same control plane and namespace', async () => {
    const { deploy } = project(DEPLOYED)
    const { code, account } = await deploy('--env staging --yes --generate-secrets --skip-smoke-test')
    expect(code).toBe(0)
    const edge = account.calls.at(-1)!.config
    expect(edge).toMatchObject({ name: 'turnout-edge-staging', workers_dev: true, routes: [] })
    expect(edge.services[0].props).toEqual({ environment: 'staging' })
    expect(edge.kv_namespaces[0].id).toBe('c'.repeat(32))
    expect(account.workers['turnout-edge-prod']!.version).toBe(7)
  })
})

describe('a deployment is refused, and nothing is changed,', () => {
  const refused = async (account: Partial<FakeAccount>, toml: string, args = '--env prod --yes') => {
    const { deploy } = project({ ...DEPLOYED, ...account }, toml)
    const ran = await deploy(args)
    expect(ran.code).toBe(1)
    expect(ran.err).toContain('refused; nothing was deployed')
    expect(ran.err).toContain('next: ')
    expect(ran.commands.filter((command) => !command.includes('--dry-run'))).not.toContainEqual(
      expect.stringMatching(/^deploy|create/),
    )
    return ran
  }

  test('when nobody is logged in', async () => {
    const { err, commands } = await refused({ loggedIn: false }, DEPLOY_TOML)
    expect(err).toContain('nobody is logged in to Cloudflare')
    expect(err).toContain('npx wrangler login')
    expect(commands.at(-1)).toBe('whoami')
  })

  test('when Cloudflare cannot be asked, which is not to be logged out', async () => {
    const { err } = await refused(
      { problems: { 'whoami --json': 'A request failed: fetch failed' } },
      DEPLOY_TOML,
    )
    expect(err).toContain('wrangler whoami failed: [ERROR] A request failed: fetch failed')
  })

  test('when the login may not do it', async () => {
    const problem = 'A request to the Cloudflare API failed.\n\n  Authentication error [code: 10000]'
    const { err } = await refused({ problems: { 'kv namespace list': problem } }, DEPLOY_TOML)
    expect(err).toContain('next: npx wrangler whoami shows what the login may do')
  })

  test('when the login has several accounts and none is named', async () => {
    const { err } = await refused({ several: true }, DEPLOY_TOML)
    expect(err).toContain('More than one account available')
    expect(err).toContain('next: write account_id')
    const { deploy } = project(
      { ...DEPLOYED, several: true },
      `account_id = "${'d'.repeat(32)}"\n${DEPLOY_TOML}`,
    )
    expect((await deploy('--env prod --yes --skip-smoke-test')).code).toBe(0)
  })

  test('for a production environment on workers.dev', async () => {
    const toml = DEPLOY_TOML.replace('domains = ["www.shop.dev"]', 'workers_dev = true')
    const { err, commands } = await refused({}, toml)
    expect(err).toContain('environments.prod has workers_dev = true, and prod is a production environment')
    expect(err).toContain('domains = ["www.YOUR-DOMAIN"] below [environments.prod]')
    expect(commands).toEqual([])
  })

  test('for a production environment whose control plane is on workers.dev', async () => {
    const { err } = await refused(
      {},
      DEPLOY_TOML.replace('domains = ["turnout.shop.dev"]', 'workers_dev = true'),
    )
    expect(err).toContain('control-plane has workers_dev = true')
  })

  test.each(['shop.prod', 'Production'])(
    'for %s too, and for whatever says production = true',
    async (name) => {
      const toml = `${DEPLOY_TOML}[environments.${JSON.stringify(name)}]\nworkers_dev = true\n`
      expect((await refused({}, toml, `--env ${name} --yes`)).err).toContain('is a production environment')
      const says = `${DEPLOY_TOML.replace('workers_dev = true', 'workers_dev = true\nproduction = true')}`
      expect((await refused({}, says, '--env staging --yes')).err).toContain('is a production environment')
    },
  )

  test('for an environment without an address', async () => {
    const { err } = await refused({}, DEPLOY_TOML.replace('domains = ["www.shop.dev"]', ''))
    expect(err).toContain('environments.prod has no address')
  })

  test("for the example's addresses", async () => {
    const { err } = await refused({}, DEPLOY_TOML.replaceAll('shop.dev', 'example.com'))
    expect(err).toContain("control-plane still has the example's address turnout.example.com")
    expect(err).toContain("environments.prod still has the example's address www.example.com")
  })

  test('for an environment that deploy.toml does not have', async () => {
    const { err } = await refused({}, DEPLOY_TOML, '--env porduction --yes')
    expect(err).toContain('deploy.toml has no environment "porduction"; it has prod, staging')
    expect((await refused({}, DEPLOY_TOML, '--env ../prod --yes')).err).toContain('letters, digits, dots')
  })

  test.each([
    ['vars = { LOCAL = "true" }', 'must not hold LOCAL'],
    ['vars = { ENVIRONMENT = "prod" }', 'must not hold ENVIRONMENT: the table is named after it'],
    ['vars = { FALBACK_ORIGIN = "x" }', 'has no setting "FALBACK_ORIGIN"; there are LOCATION_CACHE, '],
  ])('for %s', async (line, sentence) => {
    const { err } = await refused(
      {},
      `${DEPLOY_TOML}[environments.live]\ndomains = ["live.shop.dev"]\n${line}\n`,
    )
    expect(err).toContain(`environments.live.vars ${sentence}`)
  })

  test('for a Worker that has LOCAL as a secret', async () => {
    const workers = {
      ...DEPLOYED.workers,
      'turnout-edge-prod': { secrets: { COOKIE_KEY: 'k', LOCAL: 'true' }, version: 1 },
    }
    const { err } = await refused({ workers }, DEPLOY_TOML)
    expect(err).toContain('next: npx wrangler secret delete LOCAL --name turnout-edge-prod')
  })

  test('without a terminal and without --yes, as wrangler would take over DNS records unasked', async () => {
    const { err } = await refused({}, DEPLOY_TOML, '--env prod')
    expect(err).toContain('it would take over the DNS records of turnout.shop.dev, www.shop.dev')
    const { deploy } = project(DEPLOYED)
    expect((await deploy('--env prod --skip-smoke-test', { isTerminal: true })).code).toBe(0)
  })

  test('when a Worker does not build', async () => {
    const { err, commands } = await refused(
      { problems: { 'build turnout-edge-prod': 'Could not resolve "./nope"' } },
      DEPLOY_TOML,
    )
    expect(err).toContain('turnout-edge-prod does not build: [ERROR] Could not resolve "./nope"')
    expect(commands.at(-1)).toBe('deploy edge --dry-run')
  })

  test('when deploy.toml cannot be read', async () => {
    expect((await refused({}, 'a = 1\n[x\n')).err).toContain('deploy.toml cannot be read at line 2, column 2')
    const { deploy } = project()
    expect((await deploy('--env prod --config nope.toml')).err).toContain('nope.toml cannot be read')
  })
})

describe('a wrangler.toml is refused', () => {
  test.each([
    [
      'compatibility_date = "2026-10-20"',
      'compatibility_date = "2099-01-01"',
      'has compatibility_date 2099-01-01, and the workerd that all tests ran on is of 20',
    ],
    ['compatibility_date = "2026-10-20"\n', '', 'has no compatibility_date'],
    ['[vars]', '[vars]\nLOCAL = "true"', 'sets the variable LOCAL'],
  ])('that has %j as %j', async (before, after, sentence) => {
    const { root, deploy } = project(DEPLOYED)
    const file = join(root, 'wrangler.toml')
    writeFileSync(file, readFileSync(file, 'utf8').replace(before, after))
    const { code, err, commands } = await deploy('--env prod --yes')
    expect(code).toBe(1)
    expect(err).toContain(`${file} ${sentence}`)
    expect(commands).toEqual([])
  })
})

describe('when a step fails', () => {
  test('of the control plane: the edge is not touched, and that is said', async () => {
    const { deploy } = project({
      ...DEPLOYED,
      problems: { 'deploy turnout-admin': 'Cannot apply --delete-class migration' },
    })
    const { code, err, account } = await deploy('--env prod --yes')
    expect(code).toBe(1)
    expect(err).toContain(
      'the control plane turnout-admin was not deployed: [ERROR] Cannot apply --delete-class migration',
    )
    expect(err).toContain('The edge turnout-edge-prod is as it was.')
    expect(account.workers['turnout-edge-prod']!.version).toBe(7)
  })

  test('between the two: it says what is true, how to go back, and running it again mends it', async () => {
    const { deploy, change } = project({
      ...DEPLOYED,
      problems: { 'deploy turnout-edge-prod': 'Zone not found' },
    })
    const failed = await deploy('--env prod --yes --skip-smoke-test')
    expect(failed.code).toBe(1)
    expect(failed.err).toContain('the edge turnout-edge-prod was not deployed: [ERROR] Zone not found')
    expect(failed.err).toContain('The control plane turnout-admin is deployed, version turnout-admin-v5.')
    expect(failed.err).toContain('The edge turnout-edge-prod serves as before')
    expect(failed.err).toContain('npx wrangler rollback --name turnout-admin')
    expect(failed.account.workers['turnout-edge-prod']!.version).toBe(7)
    change({ problems: {} })
    expect((await deploy('--env prod --yes --skip-smoke-test')).code).toBe(0)
  })

  test('between the two, the first time: the token that was set is known, and is not made anew', async () => {
    const { deploy, change } = project({ problems: { 'deploy turnout-edge-prod': 'Zone not found' } })
    const failed = await deploy('--env prod --yes --generate-secrets --skip-smoke-test')
    const { ADMIN_BOOTSTRAP_TOKEN } = failed.account.workers['turnout-admin']!.secrets
    expect(failed.out).toContain(ADMIN_BOOTSTRAP_TOKEN)
    expect(failed.err).toContain('There is no edge turnout-edge-prod yet.')
    change({ problems: {} })
    const again = await deploy('--env prod --yes --generate-secrets --skip-smoke-test')
    expect(again.code).toBe(0)
    expect(again.account.workers['turnout-admin']!.secrets).toEqual({ ADMIN_BOOTSTRAP_TOKEN })
  })

  test('a question of wrangler that was answered with no is a failure, not a deployment', async () => {
    const { deploy } = project({ ...DEPLOYED, declined: true })
    const { code, err } = await deploy('--env prod --yes --skip-smoke-test')
    expect(code).toBe(1)
    expect(err).toContain('wrangler ended without a new version')
  })
})

describe('the look at what was deployed', () => {
  test('waits for the new version at both addresses', async () => {
    const { deploy, answers, asked, waits } = project(DEPLOYED)
    answers.set(CONTROL_PLANE, ready('turnout-admin-v5'))
    let calls = 0
    answers.set(EDGE, () => ready(++calls < 3 ? 'turnout-edge-prod-v7' : 'turnout-edge-prod-v8')())
    const { code, out } = await deploy('--env prod --yes', { adminToken: 'tn_known' })
    expect(code).toBe(0)
    expect(waits).toHaveLength(2)
    expect(asked.map(({ url }) => url)).toEqual([CONTROL_PLANE, EDGE, EDGE, EDGE])
    expect(asked[0]!.headers).toEqual({ authorization: 'Bearer tn_known' })
    expect(asked[1]!.headers).toEqual({})
    expect(out).toContain(`edge  ${EDGE}  ready, and it is the version that was deployed`)
  })

  test('tells what is wrong with a control plane that works nevertheless', async () => {
    const { deploy, answers } = project(DEPLOYED)
    const components = [{ name: 'webhooks', status: 'degraded', problems: ['2 webhooks fail'] }]
    const release = { id: 'turnout-admin-v5', tag: 't' }
    answers.set(CONTROL_PLANE, () => Response.json({ status: 'degraded', release, components }))
    answers.set(EDGE, ready('turnout-edge-prod-v8'))
    const { code, out } = await deploy('--env prod --yes', { adminToken: 'tn_known' })
    expect(code).toBe(0)
    expect(out).toContain(`control plane  ${CONTROL_PLANE}  degraded: 2 webhooks fail`)
  })

  test('gives up after two minutes, says what it saw, and ends with 1', async () => {
    const { deploy, answers, waits } = project(DEPLOYED)
    answers.set(CONTROL_PLANE, () => Response.json({ status: 'ok' }))
    const { code, out, err } = await deploy('--env prod --yes')
    expect(code).toBe(1)
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(120_000)
    expect(out).toContain('which version answers was not visible')
    expect(err).toContain(`deployed, but not well: the edge at ${EDGE}: fetch failed: no such host`)
    expect(err).toContain('Both Workers are deployed')
  })

  test('takes an edge whose environment does not exist yet, and tells how to make it', async () => {
    const { deploy, answers } = project(DEPLOYED)
    const problems = ['control plane cannot be read: environment "prod" does not exist']
    const body = { status: 'unavailable', release: { id: 'turnout-edge-prod-v8' }, problems }
    answers.set(CONTROL_PLANE, ready('turnout-admin-v5'))
    answers.set(EDGE, () => Response.json(body, { status: 503 }))
    const { code, out } = await deploy('--env prod --yes')
    expect(code).toBe(0)
    expect(out).toContain('it runs, and has nothing to serve: its environment does not exist')
    expect(out).toContain('curl -X PUT https://turnout.shop.dev/api/v1/environments/prod')
  })

  test('does not take an edge that cannot serve for another reason', async () => {
    const { deploy, answers } = project(DEPLOYED)
    const body = {
      status: 'unavailable',
      release: { id: 'turnout-edge-prod-v8' },
      problems: ['no CONTROL binding'],
    }
    answers.set(CONTROL_PLANE, ready('turnout-admin-v5'))
    answers.set(EDGE, () => Response.json(body, { status: 503 }))
    const { code, err } = await deploy('--env prod --yes')
    expect(code).toBe(1)
    expect(err).toContain('status 503: no CONTROL binding')
  })

  test('says that Cloudflare Access let nobody through, and sends a service token where there is one', async () => {
    const { deploy, answers, asked } = project(DEPLOYED)
    const login = {
      status: 302,
      headers: { location: 'https://shop.cloudflareaccess.com/cdn-cgi/access/login' },
    }
    answers.set(CONTROL_PLANE, () => new Response(null, login)).set(EDGE, ready('turnout-edge-prod-v8'))
    const { code, out } = await deploy('--env prod --yes', { accessHeaders: { 'cf-access-client-id': 'x' } })
    expect(code).toBe(0)
    expect(out).toContain('Cloudflare Access stands in front of it')
    expect(asked[0]!.headers).toEqual({ 'cf-access-client-id': 'x' })
  })

  test('asks where a route leads, and where workers.dev is', async () => {
    const toml = `
[control-plane]
workers_dev = true
[environments.staging]
routes = ["*.shop.dev/*", "www.shop.dev/*"]
zone = "shop.dev"
`
    const { deploy, answers, asked } = project(DEPLOYED, toml)
    answers.set('https://turnout-admin.you.workers.dev/health/ready', ready('turnout-admin-v5'))
    answers.set(EDGE, ready('turnout-edge-staging-v1'))
    const { code, account } = await deploy('--env staging --yes --generate-secrets')
    expect(code).toBe(0)
    expect(asked).toHaveLength(2)
    expect(account.calls.at(-1)!.config.routes).toEqual([
      { pattern: '*.shop.dev/*', zone_name: 'shop.dev' },
      { pattern: 'www.shop.dev/*', zone_name: 'shop.dev' },
    ])
  })
})

describe('a dry run', () => {
  test('asks nobody, and prints the plan', async () => {
    const { root, deploy } = project({ loggedIn: false })
    const { code, out, commands } = await deploy('--env prod --dry-run')
    expect(code).toBe(0)
    expect(commands).toEqual(['deploy control-plane --dry-run', 'deploy edge --dry-run'])
    expect(out).toContain('control plane  turnout-admin at https://turnout.shop.dev')
    expect(out).toContain('edge           turnout-edge-prod at https://www.shop.dev')
    expect(out).toMatch(/^ +secrets +ADMIN_BOOTSTRAP_TOKEN$/m)
    expect(out).toMatch(
      /^ +secrets +COOKIE_KEY, SIGNING_KEY \(without it origins .* nothing that is signed\)$/m,
    )
    expect(out).toContain('nothing was deployed')
    expect(existsSync(join(root, 'dist/deploy/prod/edge.json'))).toBe(true)
  })

  test('refuses what a deployment refuses', async () => {
    const { deploy } = project({}, DEPLOY_TOML.replace('domains = ["www.shop.dev"]', 'workers_dev = true'))
    expect((await deploy('--env prod --dry-run')).err).toContain('is a production environment')
  })
})

describe("a dry run with the example's addresses", () => {
  test('prints the plan, builds, and then says what a deployment would be refused for', async () => {
    const { deploy } = project({ loggedIn: false }, DEPLOY_TOML.replaceAll('shop.dev', 'example.com'))
    const { code, out, err, commands } = await deploy('--env prod --dry-run')
    expect(code).toBe(1)
    expect(commands).toEqual(['deploy control-plane --dry-run', 'deploy edge --dry-run'])
    expect(out).toContain('control plane  turnout-admin at https://turnout.example.com')
    expect(err).toContain('turnout: a deployment would be refused\n')
    expect(err).toContain(
      "control-plane still has the example's address turnout.example.com\n    next: write",
    )
    expect(err).toContain("environments.prod still has the example's address www.example.com")
  })

  test('is refused at once where there is no plan to be made, with every reason', async () => {
    const toml = DEPLOY_TOML.replaceAll('shop.dev', 'example.com').replace(
      'domains = ["www.example.com"]',
      'workers_dev = true',
    )
    const { code, err, commands } = await project({}, toml).deploy('--env prod --dry-run')
    expect([code, commands]).toEqual([1, []])
    expect(err).toContain('is a production environment')
    expect(err).toContain("control-plane still has the example's address")
  })
})

describe('the command line', () => {
  test.each([
    ['--dry-run', "required option '--env <name>' not specified"],
    ['--env', "option '--env <name>' argument missing"],
    ['--env prod --bogus', "unknown option '--bogus'"],
    ['--env prod more', 'too many arguments'],
  ])('%s is wrong: exit code 2, and what comes next', async (args, sentence) => {
    const { code, err } = await project().deploy(args)
    expect(code).toBe(2)
    expect(err).toContain(sentence)
    expect(err).toContain('npm run deploy -- --help')
  })

  test('--help tells the options', async () => {
    const { code, out } = await project().deploy('--help')
    expect(code).toBe(0)
    expect(out).toContain('--generate-secrets')
  })
})
