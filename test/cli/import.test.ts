/** `turnout import` from a file: what it says, what it writes, and how it ends when something is wrong. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { type FakeAdmin, problem, startAdmin, TOKEN } from './fake-admin.ts'
import { type Ran, turnout } from './run.ts'

const FLAGS = {
  'new-feature': { enabled: true, percentage: 60, allowlist: ['user1', 'user2'] },
  maintenance_mode: false,
  patterns: { cqrs: { enabled: true }, circuitBreaker: { enhanced: true } },
}
const HELD = {
  'new-feature': { enabled: true, percentage: 50, allowlist: ['user1', 'user2'] },
  maintenance_mode: false,
  other: true,
}

const CALL = ['import', '--env', 'dev', '--from', 'file', '--file', 'flags.json']

function fileWith(content: unknown): string {
  const cwd = temporaryFolder()
  const text =
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content)
  writeFileSync(join(cwd, 'flags.json'), text)
  return cwd
}

function importFile(content: unknown, admin: Pick<FakeAdmin, 'url'>, ...more: string[]): Promise<Ran> {
  return turnout([...CALL, '--url', admin.url, ...more], {
    cwd: fileWith(content),
    env: { TURNOUT_ADMIN_TOKEN: TOKEN },
  })
}

const writes = (admin: FakeAdmin) => admin.requests.filter(({ line }) => !line.startsWith('GET '))

describe('an import', () => {
  test('says what it changes and does it in one version', async () => {
    const admin = await startAdmin(HELD)
    const { code, out, err } = await importFile(FLAGS, admin)
    expect(err).toBe('')
    expect(out).toBe(`dev ← flags.json: 4 flags
  + patterns.circuitBreaker.enhanced  true
  + patterns.cqrs.enabled  true
  ~ new-feature  percentage 50 → 60
  = maintenance_mode
2 added, 1 changed, 1 unchanged; dev keeps 1 that the source does not have
Done: dev is at version 8.
`)
    expect(code).toBe(0)
    expect(admin.document().flags).toEqual({
      'new-feature': FLAGS['new-feature'],
      maintenance_mode: false,
      other: true,
      'patterns.cqrs.enabled': true,
      'patterns.circuitBreaker.enhanced': true,
    })
    const [patch, ...others] = writes(admin)
    expect(others).toEqual([])
    expect(patch!.line).toBe('PATCH /api/v1/environments/dev/flags?reason=import%20from%20flags.json')
    expect(patch!.headers).toMatchObject({
      'if-match': '"v7"',
      'content-type': 'application/merge-patch+json',
    })
  })

  test('run twice changes nothing the second time, and writes nothing', async () => {
    const admin = await startAdmin(HELD)
    await importFile(FLAGS, admin)
    const { code, out } = await importFile(FLAGS, admin)
    expect(out).toContain('0 added, 0 changed, 4 unchanged')
    expect(out).toContain('Nothing to change.')
    expect(code).toBe(0)
    expect(writes(admin)).toHaveLength(1)
  })

  test('--dry-run says the same and writes nothing', async () => {
    const admin = await startAdmin(HELD)
    const { code, out } = await importFile(FLAGS, admin, '--dry-run')
    expect(out).toContain('2 added, 1 changed, 1 unchanged')
    expect(out).toContain('Dry run: nothing was changed.')
    expect(code).toBe(0)
    expect(writes(admin)).toEqual([])
    expect(admin.version()).toBe(7)
  })

  test('--reason goes with the version', async () => {
    const admin = await startAdmin()
    await importFile(FLAGS, admin, '--reason', 'from AppConfig & SSM, für immer')
    const query = new URL(writes(admin)[0]!.line.split(' ')[1]!, admin.url).searchParams
    expect(query.get('reason')).toBe('from AppConfig & SSM, für immer')
  })

  test('--json prints one object and nothing else', async () => {
    const admin = await startAdmin(HELD)
    const { out, err } = await importFile(FLAGS, admin, '--json')
    expect(err).toBe('')
    expect(JSON.parse(out)).toEqual({
      environment: 'dev',
      source: 'flags.json',
      notes: [],
      dryRun: false,
      version: 8,
      added: [
        { key: 'patterns.circuitBreaker.enhanced', flag: true },
        { key: 'patterns.cqrs.enabled', flag: true },
      ],
      changed: [{ key: 'new-feature', before: HELD['new-feature'], after: FLAGS['new-feature'] }],
      unchanged: ['maintenance_mode'],
      warnings: [],
    })
  })

  test('takes the flags of a whole document and says what it leaves out', async () => {
    const admin = await startAdmin()
    const segments = { beta: { include: ['beta1'] } }
    const { code, out, err } = await importFile({ flags: FLAGS, segments, routes: [] }, admin)
    expect(out).toContain('4 added')
    expect(err).toBe('note: its segments (1) are left out: import brings flags only\n')
    expect(code).toBe(0)
  })

  test('warns of what is valid but surely not meant', async () => {
    const rules = [
      { id: 'all', serve: 'on' },
      { id: 'never', serve: 'off' },
    ]
    const { code, err } = await importFile(
      { a: { enabled: true, rules, fallthrough: 'off' } },
      await startAdmin(),
    )
    expect(err).toMatch(/^warning: \$\.flags\.a\.rules\[1\]: rule can never match/)
    expect(code).toBe(0)
  })
})

describe('all or nothing', () => {
  test('every error is printed with its path, and nothing is written', async () => {
    const admin = await startAdmin(HELD)
    const { code, out, err } = await importFile(
      {
        good: true,
        'new-feature': { enabled: true, percentage: 150 },
        'bad key': true,
        patterns: { cqrs: { enabled: 1 } },
        b: { enabled: true, rolout: 5 },
      },
      admin,
    )
    expect(out).toBe('dev ← flags.json: 4 flags\n')
    expect(err).toMatch(/^turnout: flags\.json: 4 errors, so nothing was changed\n/)
    expect(err).toContain('  $.flags.patterns.cqrs.enabled: must be true or false')
    expect(err).toContain("  $.flags['new-feature'].percentage: must be a number from 0 to 100, got 150")
    expect(err).toContain("  $.flags['bad key']: must be a name of 1 to 128")
    expect(err).toContain('  $.flags.b.rolout: unknown field "rolout"')
    expect(code).toBe(1)
    expect(writes(admin)).toEqual([])
  })

  test('an error that only the control plane finds changes nothing either', async () => {
    const admin = await startAdmin(HELD)
    const errors = [{ path: '$.flags', message: 'rollout "r" runs on flag "x"' }]
    admin.beforePatch = () => problem(422, 'The document has one error; nothing was changed.', errors)
    const { code, err } = await importFile(FLAGS, admin)
    expect(
      err,
    ).toBe(`turnout: the control plane refuses (422): The document has one error; nothing was changed.
  $.flags: rollout "r" runs on flag "x"
`)
    expect(code).toBe(1)
    expect(admin.version()).toBe(7)
  })

  test('with --json, errors are JSON on standard output', async () => {
    const { code, out, err } = await importFile({ a: { enabled: 1 } }, await startAdmin(), '--json')
    expect(err).toBe('')
    expect(JSON.parse(out)).toEqual({
      error: 'flags.json: one error, so nothing was changed',
      findings: [{ path: '$.flags.a.enabled', message: 'must be true or false, got 1' }],
    })
    expect(code).toBe(1)
  })
})

describe('somebody else edits meanwhile', () => {
  test('it reads again, plans again and writes on top of that edit', async () => {
    const admin = await startAdmin(HELD)
    let edits = 1
    admin.beforePatch = () => {
      if (edits-- > 0)
        admin.edit(({ flags }) => ({
          flags: { ...flags, maintenance_mode: true, 'patterns.cqrs.enabled': true },
        }))
      return null
    }
    const { code, out, err } = await importFile(FLAGS, admin)
    expect(err).toBe('note: dev was changed meanwhile; planning again\n')
    expect(out).toContain('2 added, 1 changed, 1 unchanged')
    expect(out).toContain('1 added, 2 changed, 1 unchanged')
    expect(out).toContain('Done: dev is at version 9.')
    expect(code).toBe(0)
    expect(admin.document().flags).toMatchObject({ maintenance_mode: false, other: true })
    expect(writes(admin).map(({ headers }) => headers['if-match'])).toEqual(['"v7"', '"v8"'])
  })

  test('twice in a row is once too often', async () => {
    const admin = await startAdmin(HELD)
    admin.beforePatch = () => {
      admin.edit(({ flags }) => ({ flags }))
      return null
    }
    const { code, err } = await importFile(FLAGS, admin)
    expect(err).toContain('turnout: the control plane refuses (412): The flags "dev" are at "v9" now.')
    expect(code).toBe(1)
    expect(writes(admin)).toHaveLength(2)
  })

  test('the very same edit leaves nothing to do', async () => {
    const admin = await startAdmin(HELD)
    const { out: first } = await importFile(FLAGS, admin, '--dry-run')
    expect(first).toContain('Dry run')
    admin.beforePatch = () => {
      admin.edit(() => ({
        flags: {
          ...HELD,
          'new-feature': FLAGS['new-feature'],
          'patterns.cqrs.enabled': true,
          'patterns.circuitBreaker.enhanced': true,
        },
      }))
      return null
    }
    const { code, out } = await importFile(FLAGS, admin)
    expect(out).toMatch(/Nothing to change\.\n$/)
    expect(code).toBe(0)
    expect(admin.version()).toBe(8)
  })
})

describe('a file that cannot be imported', () => {
  test.each([
    ['{"a": tru}', 'turnout: flags.json is not JSON at line 1, column 10: unexpected character'],
    ['[true]', 'turnout: flags.json must be a JSON object: a document with "flags", or a map of flags'],
    [{ flags: [] }, 'turnout: flags.json: "flags" must be an object of flags by key'],
    [{}, 'turnout: flags.json: there are no flags'],
    [{ routes: [{}] }, 'turnout: flags.json: there are no flags'],
    [new Uint8Array([0x22, 0xff, 0x22]), 'turnout: flags.json is not UTF-8 text'],
    [{ flags: { a: true }, flag: {} }, '  $.flag: unknown field; a document has flags, segments, routes'],
  ])('%j', async (content, line) => {
    const admin = await startAdmin()
    const { code, err } = await importFile(content, admin)
    expect(err.split('\n')).toContain(line)
    expect(code).toBe(1)
    expect(writes(admin)).toEqual([])
  })

  test('that is not there', async () => {
    const env = { TURNOUT_ADMIN_TOKEN: TOKEN }
    const { code, err } = await turnout(CALL, { cwd: temporaryFolder(), env })
    expect(err).toBe('turnout: flags.json cannot be read: there is no such file\n')
    expect(code).toBe(1)
  })

  test('a byte order mark is no obstacle', async () => {
    expect((await importFile('\uFEFF{"a":true}', await startAdmin())).code).toBe(0)
  })
})

describe('a control plane that does not help', () => {
  test.each([
    [
      'refuses the token',
      ['--env', 'dev', '--token', 'tn_some-other-token'],
      'refuses (401): The token is not the one of this control plane. The token came from --token; turnout login --url URL stores another.',
    ],
    [
      'has no such environment',
      ['--env', 'nowhere'],
      'refuses (404): There is no environment "nowhere". turnout env list says which there are.',
    ],
  ])('%s', async (_, options, message) => {
    const { url } = await startAdmin()
    const args = ['import', '--from', 'file', '--file', 'flags.json', '--url', url, ...options]
    const { code, err } = await turnout(args, { cwd: fileWith(FLAGS), env: { TURNOUT_ADMIN_TOKEN: TOKEN } })
    expect(err).toBe(`turnout: the control plane ${message.replace('URL', url)}\n`)
    expect(code).toBe(1)
  })

  test('fails, and its request can be found in its log', async () => {
    const admin = await startAdmin()
    admin.beforePatch = () => problem(500, 'This is a fault of the control plane.')
    const { code, err } = await importFile(FLAGS, admin)
    expect(err).toBe(
      'turnout: the control plane refuses (500): This is a fault of the control plane. Its log has it under request request-1.\n',
    )
    expect(code).toBe(1)
  })

  test('is not there', async () => {
    const url = await addressOfNobody()
    const { code, err } = await importFile(FLAGS, { url })
    expect(err).toBe(
      `turnout: GET /environments/dev/document failed: nothing listens at ${url}; start Turnout with npm start, or give --url\n`,
    )
    expect(code).toBe(1)
  })

  test('hangs up on the change: nobody knows whether it was made', async () => {
    const admin = await startAdmin()
    const proxy = createServer(async (request, response) => {
      if (request.method === 'PATCH') return request.socket.destroy()
      const answer = await fetch(admin.url + request.url, { headers: { authorization: `Bearer ${TOKEN}` } })
      response.writeHead(200, { etag: answer.headers.get('etag') ?? '' }).end(await answer.text())
    })
    const url = await listening(proxy)
    const { code, err } = await importFile(FLAGS, { url })
    proxy.close()
    expect(err).toMatch(
      /^turnout: PATCH \/environments\/dev\/flags failed: .* cannot be reached \(.+\); whether it was carried out, turnout versions list shows\n$/,
    )
    expect(code).toBe(1)
  })

  test.each([
    [
      'a redirect',
      301,
      { location: 'https://elsewhere.example/' },
      '',
      'redirects to https://elsewhere.example/: give its final address',
    ],
    ['a page of HTML', 200, { etag: '"v1"' }, '<html>', 'was not answered with JSON: what answers at'],
    ['an error of a proxy', 502, {}, '<html>', 'was answered 502: what answers at'],
    ['JSON of something else', 404, {}, '{"message":"no"}', 'was answered 404: what answers at'],
    [
      'no ETag',
      200,
      {},
      '{"flags":{}}',
      'the control plane answered without etag: it is of another version, or none',
    ],
  ])('is something else: %s', async (_, status, headers, body, message) => {
    let asked = 0
    const other = createServer((_request, response) => {
      asked++
      response.writeHead(status, headers).end(body)
    })
    const url = await listening(other)
    const { code, err } = await importFile(FLAGS, { url })
    other.close()
    expect(err).toContain(message)
    expect(err.split('\n')).toHaveLength(2)
    expect([code, asked]).toEqual([1, 1])
  })
})

describe('secrets', () => {
  test('the token is never printed, even if what is read or answered repeats it', async () => {
    const admin = await startAdmin()
    const salt = { enabled: true, salt: TOKEN, percentage: 5 }
    const shown = await importFile({ a: salt }, admin, '--dry-run')
    const json = await importFile({ a: salt }, admin, '--dry-run', '--json')
    admin.beforePatch = () => problem(500, `Bearer ${TOKEN} broke it`)
    const failed = await importFile({ a: salt }, admin, '--token', TOKEN)
    expect(shown.out).toContain('"salt":"***"')
    expect(failed.err).toContain('Bearer *** broke it')
    expect([shown, json, failed].map(({ out, err }) => out + err).join()).not.toContain(TOKEN)
  })

  test('control characters of an answer do not reach the terminal', async () => {
    const admin = await startAdmin()
    admin.beforePatch = () => problem(500, 'all well\u001b[2K\rdone')
    const { err } = await importFile(FLAGS, admin)
    expect(err).toContain('all well\uFFFD[2K\uFFFDdone')
  })
})

async function listening(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function addressOfNobody(): Promise<string> {
  const server = createServer()
  const url = await listening(server)
  await new Promise((done) => server.close(done))
  return url
}
