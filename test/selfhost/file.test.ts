import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { releaseOf } from '../../local/release.ts'
import { readToml } from '../../local/toml.ts'
import { checkFile } from '../../selfhost/file.ts'
import { systemdUnit } from '../../selfhost/unit.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const problemsOf = (content: unknown) => {
  const checked = checkFile(content)
  return 'problems' in checked ? checked.problems : []
}

describe('selfhost.toml', () => {
  test('is no change of the checkout that it lies in', () => {
    const root = temporaryFolder()
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: root })
    for (const name of ['.gitignore', 'package.json'])
      copyFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), join(root, name))
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'all there is')
    writeFileSync(join(root, 'selfhost.toml'), '')
    expect(releaseOf(root).dirty).toBe(false)
    writeFileSync(join(root, 'other.toml'), '')
    expect(releaseOf(root).dirty).toBe(true)
  })

  test('the example is good as it stands', () => {
    const path = fileURLToPath(new URL('../../selfhost.example.toml', import.meta.url))
    const checked = checkFile(readToml(path, 'selfhost.example.toml'))
    expect(checked).toMatchObject({
      file: {
        stateDir: '/var/lib/turnout',
        maxHeapMb: 256,
        controlPlane: { listen: '127.0.0.1:8788', trustedProxy: '127.0.0.1' },
      },
    })
  })

  test('trusts nobody and listens on this machine only, unless it says otherwise', () => {
    expect(checkFile({ state_dir: '/srv/turnout', edges: { prod: {} } })).toEqual({
      file: {
        stateDir: '/srv/turnout',
        maxHeapMb: 256,
        controlPlane: { listen: '127.0.0.1:8788', trustedProxy: 'none', vars: {} },
        edges: new Map([
          ['prod', { listen: '127.0.0.1:8787', trustedProxy: 'none', vars: {}, countryHeader: null }],
        ]),
      },
    })
  })

  test('tells everything that is wrong at once, by its path', () => {
    expect(
      problemsOf({
        state_dir: 'state',
        max_heap_mb: 1.5,
        ports: [],
        'control-plane': { listen: '8788', vars: { LOCAL: 'true' } },
        edges: {
          'a b': {},
          prod: {
            listen: '[::]:8787',
            trusted_proxy: ['everybody'],
            country_header: 'X-Turnout-Country',
            vars: { LOCATION_CACHE: 'true', TRUSTED_PROXY: 'none', FALBACK: 'x' },
          },
          staging: { listen: 'unix:/run/turnout/edge.sock', country_header: 'x-turnout-country' },
          again: { listen: 'unix:/run/turnout/edge.sock', trusted_proxy: '127.0.0.1' },
        },
      }),
    ).toEqual([
      'the file has no field "ports"; there are state_dir, max_heap_mb, control-plane, edges',
      'state_dir must be an absolute path, got "state"',
      'max_heap_mb must be a whole number of at least 64, got 1.5',
      expect.stringMatching(/^control-plane\.vars must not hold LOCAL/),
      'control-plane.listen must be host:port or unix:/path, got "8788"',
      'edges.a b must be named with letters, digits, dots, dashes and underscores',
      'edges.prod.country_header must be the name of a header in lower case, not x-turnout-…, got "X-Turnout-Country"',
      'edges.prod.vars must not hold LOCATION_CACHE: workerd has no cache of its own',
      'edges.prod.vars must not hold TRUSTED_PROXY: it is the field trusted_proxy',
      expect.stringMatching(/^edges\.prod\.vars has no setting "FALBACK"; there are FALLBACK_ORIGIN, /),
      expect.stringMatching(/^edges\.prod\.trusted_proxy must be none, or addresses.* got "everybody"$/),
      'edges.staging.country_header must be the name of a header in lower case, not x-turnout-…, got "x-turnout-country"',
      'edges.again.trusted_proxy must be a list, got "127.0.0.1"',
      'the file listens at unix:/run/turnout/edge.sock twice',
    ])
    expect(problemsOf({ state_dir: '/x' })).toEqual([
      'the file has no edge: write [edges.NAME] for each environment',
    ])
  })
})

describe('the systemd unit', () => {
  const unit = (stateDir: string, listen = '127.0.0.1:8787') => {
    const checked = checkFile({ state_dir: stateDir, edges: { prod: { listen } } })
    return 'file' in checked ? systemdUnit(checked.file) : ''
  }

  test('makes the folders where systemd may, and else only opens them', () => {
    expect(unit('/var/lib/turnout')).toContain('StateDirectory=turnout/storage turnout/last-known-good\n')
    expect(unit('/srv/turnout')).toContain('ReadWritePaths=/srv/turnout\n')
  })

  test('removes the file of a Unix socket that a killed process left', () => {
    expect(unit('/srv/turnout')).not.toContain('ExecStartPre')
    expect(unit('/srv/turnout', 'unix:/run/turnout/edge.sock')).toContain(
      'ExecStartPre=/bin/rm -f /run/turnout/edge.sock\nExecStart=/usr/bin/flock ',
    )
  })

  test('starts no second process on the same storage, and none before the clock is right', () => {
    expect(unit('/srv/turnout')).toContain(
      'ExecStart=/usr/bin/flock --nonblock --no-fork --verbose /srv/turnout/storage /opt/turnout/workerd serve /opt/turnout/workerd.capnp config\n',
    )
    expect(unit('/srv/turnout')).toContain('After=network-online.target time-sync.target\n')
  })
})
