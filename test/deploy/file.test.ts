import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { checkFile, type DeployFile } from '../../deploy/file.ts'
import { SECRETS, secretsOf } from '../../deploy/secrets.ts'
import { SETTINGS } from '../../local/worker-settings.ts'

const problemsOf = (content: unknown): string[] => {
  const checked = checkFile(content, 'deploy.toml')
  return 'refusals' in checked ? checked.refusals.map(({ problem }) => problem) : []
}

describe('deploy.toml', () => {
  test('needs hardly anything: names and kinds follow from the environment', () => {
    const checked = checkFile(
      { environments: { 'Shop.prod': { domains: ['a.dev'] }, dev: {} } },
      'deploy.toml',
    )
    expect(checked).toMatchObject({ file: { accountId: null, controlPlane: { name: 'turnout-admin' } } })
    const { environments } = (checked as { file: DeployFile }).file
    expect(environments.get('Shop.prod')).toMatchObject({ name: 'turnout-edge-shop-prod', production: true })
    expect(environments.get('dev')).toMatchObject({
      name: 'turnout-edge-dev',
      production: false,
      workersDev: false,
    })
  })

  test('tells everything that is wrong at once, by its path', () => {
    expect(
      problemsOf({
        account_id: 'mine',
        acount: 1,
        'control-plane': { name: 'Turnout Admin', domains: 'a.dev' },
        environments: {
          'no spaces': { domains: ['a.dev'] },
          prod: {
            domains: ['https://a.dev'],
            production: 'yes',
            routes: ['a.dev'],
            vars: { LOCATION_CACHE: true },
          },
          dev: { zone: 'a.dev', workers_dev: 1, host: 'x' },
          qa: 7,
        },
      }),
    ).toEqual([
      'the file has no field "acount"; there are account_id, control-plane, environments',
      'account_id must be 32 hexadecimal digits, got "mine"',
      'control-plane.name must be at most 63 lower-case letters, digits and dashes, got "Turnout Admin"',
      'control-plane.domains must be a list, got "a.dev"',
      'environments.no spaces must be named with letters, digits, dots, dashes and underscores',
      'environments.no spaces.name must be at most 63 lower-case letters, digits and dashes, got "turnout-edge-no spaces"',
      'environments.prod.domains[0] must be a host name, got "https://a.dev"',
      'environments.prod.routes[0] must be a pattern such as www.example.com/*, got "a.dev"',
      'environments.prod.vars.LOCATION_CACHE must be a text, got true',
      'environments.prod has routes, so it must name their zone',
      'environments.prod.production must be true or false, got "yes"',
      'environments.dev has no field "host"; there are name, domains, routes, zone, workers_dev, vars, production',
      'environments.dev.workers_dev must be true or false, got 1',
      'environments.dev has a zone, but no routes in it',
      'environments.qa must be a table, got 7',
    ])
  })

  test('holds no settings of a store with which the control plane would not start', () => {
    const problems = (vars: Record<string, string>) => problemsOf({ 'control-plane': { vars } })
    expect(problems({ STORE: 'dynamodb' })).toEqual([
      'control-plane.vars STORE must be one of embedded, ssm, appconfig, got "dynamodb"',
    ])
    expect(problems({ STORE: 'appconfig', AWS_REGION: 'eu-west-1' })).toEqual([
      'control-plane.vars APPCONFIG_APPLICATION is missing: the name or id of the application',
    ])
    expect(problems({ STORE: 'ssm', AWS_REGION: 'eu-west-1' })).toEqual([])
  })

  test('has no two Workers of one name, and no host or route twice', () => {
    const routes = { routes: ['b.dev/*'], zone: 'b.dev' }
    expect(
      problemsOf({
        'control-plane': { domains: ['a.dev'] },
        environments: { 'x.y': { domains: ['a.dev'], ...routes }, 'x-y': routes },
      }),
    ).toEqual([
      'the file uses the Worker name "turnout-edge-x-y" twice',
      'the file uses the domain "a.dev" twice',
      'the file uses the route "b.dev/*" twice',
    ])
  })
})

describe('settings and secrets of a deployment', () => {
  /** Fields of the interface `Env`: everything that a Worker reads. */
  const fieldsOf = (file: string): string[] => {
    const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8')
    const body = /^export interface Env \{\n([\s\S]*?)^\}/m.exec(text)![1]!
    return Array.from(body.matchAll(/^ {2}([A-Z_]+)\?: string/gm), ([, name]) => name!)
  }

  test.each([
    ['edge', 'worker/env.ts', ['ENVIRONMENT', 'LOCAL', 'TRUSTED_PROXY', 'COUNTRY_HEADER']],
    ['admin', 'admin/env.ts', ['LOCAL', 'TRUSTED_PROXY']],
  ] as const)(
    'are, for the %s, the texts that it reads, but for those that a deployment decides',
    (worker, file, decided) => {
      const secrets = SECRETS.filter((secret) => secret.worker === worker).map(({ name }) => name)
      expect([...SETTINGS[worker], ...secrets, ...decided].sort()).toEqual(fieldsOf(file).sort())
    },
  )

  test('AWS credentials are needed where the store is in AWS, and are never made up', () => {
    const names = (vars: Record<string, string>) => secretsOf('admin', vars).map(({ name }) => name)
    expect(names({ STORE: 'appconfig' })).toEqual(
      expect.arrayContaining(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']),
    )
    expect(names({ STORE: 'embedded' })).toEqual(names({}))
    expect(SECRETS.filter(({ name, generate }) => name.startsWith('AWS_') && generate !== null)).toEqual([])
  })
})
