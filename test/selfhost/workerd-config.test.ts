/** What a server's configuration must not have of a local run's: the two are compared, line by line where it counts. */
import { describe, expect, test } from 'vitest'
import { workerdConfig } from '../../local/workerd-config.ts'
import { checkFile, type SelfHostFile } from '../../selfhost/file.ts'
import { selfHostConfig } from '../../selfhost/workerd-config.ts'

const bundle = (path: string) => ({ path, compatibilityDate: '2026-10-20', compatibilityFlags: [] })

const checked = checkFile({
  state_dir: '/var/lib/turnout',
  'control-plane': { trusted_proxy: ['127.0.0.1'] },
  edges: {
    prod: { listen: '0.0.0.0:8787', trusted_proxy: ['10.0.0.0/8', 'unix'], country_header: 'x-country' },
    staging: {
      listen: 'unix:/run/turnout/staging.sock',
      vars: { FALLBACK_ORIGIN: 'https://stable.shop.dev' },
    },
  },
})
const server = selfHostConfig(
  (checked as { file: SelfHostFile }).file,
  { edge: bundle('edge.js'), admin: bundle('admin.js') },
  '0.1.0',
)
const local = workerdConfig({
  edge: {
    bundle: bundle('edge.js'),
    address: '127.0.0.1:8787',
    environment: 'prod',
    cookieKey: 'a cookie key',
  },
  admin: {
    bundle: bundle('admin.js'),
    address: '127.0.0.1:8788',
    adminToken: 'an admin token',
    storageDir: '/var/lib/turnout/storage',
    assetsDir: 'assets',
  },
  lastKnownGoodDir: '/var/lib/turnout/last-known-good',
  maxHeapMb: 256,
})

const lines = (text: string) => text.split('\n').map((line) => line.trim().replace(/,$/, ''))
const service = (text: string, name: string) =>
  new RegExp(`\\(name = "${name}", worker = \\(.*?\\n    \\)\\)`, 's').exec(text)?.[0] ?? ''

describe('the configuration of a server', () => {
  test.each([
    ['takes the place of a request from a header', /cfBlobHeader/],
    ['reaches private and loopback addresses', /"private"|"local"/],
    ['opens what only local runs open', /"LOCAL"/],
    ['holds a secret', /COOKIE_KEY", text|ADMIN_BOOTSTRAP_TOKEN", text/],
  ])('never %s, as a local run does', (_, what) => {
    expect(local).toMatch(what)
    expect(server).not.toMatch(what)
  })

  test('offers the RPC of the control plane to nobody outside, and has no cache', () => {
    expect(server).not.toMatch(/capnpConnectHost|external = |cacheApiOutbound|LOCATION_CACHE/)
  })

  test('says in every Worker whom to believe: none, unless the operator named somebody', () => {
    expect(service(server, 'admin')).toContain('(name = "TRUSTED_PROXY", text = "127.0.0.1")')
    expect(service(server, 'edge-prod')).toContain('(name = "TRUSTED_PROXY", text = "10.0.0.0/8,unix")')
    expect(service(server, 'edge-prod')).toContain('(name = "COUNTRY_HEADER", text = "x-country")')
    expect(service(server, 'edge-staging')).toContain('(name = "TRUSTED_PROXY", text = "none")')
  })

  test('has the same bundles, bindings, objects and folders as a local run', () => {
    const ofWorkers = lines(local).filter((line) =>
      /^modules|^\(name = "(?:ENV|PRO|MET|LAST)|durableObject|disk = /.test(line),
    )
    expect(ofWorkers.length).toBeGreaterThan(8)
    expect(lines(server)).toEqual(
      expect.arrayContaining(ofWorkers.filter((line) => !line.includes('"ENVIRONMENT"'))),
    )
  })

  test('listens where the operator says', () => {
    expect(lines(server).filter((line) => line.includes('address = '))).toEqual([
      '(name = "admin", address = "127.0.0.1:8788", http = (), service = "admin")',
      '(name = "edge-prod", address = "0.0.0.0:8787", http = (), service = "edge-prod")',
      '(name = "edge-staging", address = "unix:/run/turnout/staging.sock", http = (), service = "edge-staging")',
    ])
  })
})
