/** `turnout backup`. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { backupOf, environmentOf, kill } from '../backup/backups.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { type Call, startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const TEXT = backupOf([
  { name: 'access', actions: ['token.created'] },
  environmentOf('prod', [['flag', 'a', true]], { records: [kill('flag:a')] }),
])
const NDJSON = { 'content-type': 'application/x-ndjson' }
const file = (text: string) => ({ status: 200, headers: NDJSON, body: text })

/** A folder with a file in it. */
function folderWith(text: string): string {
  const cwd = temporaryFolder()
  writeFileSync(join(cwd, 'all.ndjson'), text)
  return cwd
}

describe('backup create', () => {
  test('writes a new file for its owner alone, of everything', async () => {
    const api = await startApi({ 'GET /backup': file(TEXT) })
    const cwd = temporaryFolder()
    const { code, out } = await turnout(['backup', 'create', 'all.ndjson'], { ...api, cwd })
    expect(out).toBe('Wrote all.ndjson: access and environment:prod, 13 lines.\n')
    expect(code).toBe(0)
    expect(readFileSync(join(cwd, 'all.ndjson'), 'utf8')).toBe(TEXT)
    expect(statSync(join(cwd, 'all.ndjson')).mode & 0o777).toBe(0o600)
    expect(existsSync(join(cwd, 'all.ndjson.partial'))).toBe(false)
  })

  test('writes one environment with --env, and to standard output without a file', async () => {
    const api = await startApi({ 'GET /environments/dev/backup': file(TEXT) })
    expect(await turnout(['backup', 'create', '--env', 'dev'], api)).toMatchObject({
      code: 0,
      out: TEXT,
      err: '',
    })
  })

  test('never writes over a file', async () => {
    const api = await startApi({ 'GET /backup': file(TEXT) })
    const cwd = folderWith('precious')
    const { code, err } = await turnout(['backup', 'create', 'all.ndjson'], { ...api, cwd })
    expect(err).toContain('all.ndjson cannot be written: there is such a file already')
    expect(code).toBe(1)
    expect(readFileSync(join(cwd, 'all.ndjson'), 'utf8')).toBe('precious')
  })

  test.each([
    ['a file', ['all.ndjson']],
    ['standard output', []],
  ])('that breaks off fails and leaves nothing that passes for a backup: %s', async (_, args) => {
    const api = await startApi({ 'GET /backup': file(TEXT.slice(0, 700)) })
    const cwd = temporaryFolder()
    const { code, err } = await turnout(['backup', 'create', ...args], { ...api, cwd })
    expect(err).toContain('the backup is no whole backup, and must not be relied on')
    expect(err).toContain('there is no closing line')
    expect(code).toBe(1)
    expect(existsSync(join(cwd, 'all.ndjson'))).toBe(false)
    expect(existsSync(join(cwd, 'all.ndjson.partial'))).toBe(false)
  })
})

describe('backup verify', () => {
  test('says without a control plane that a file is whole, and what is in it', async () => {
    const { code, out } = await turnout(['backup', 'verify', 'all.ndjson'], { cwd: folderWith(TEXT) })
    expect(out).toBe(`all.ndjson is whole: made 2026-11-26 10:00:00Z by Turnout.
  access: 1 audit entry
  environment:prod: 1 audit entry, 1 kill, 2 entities, 2 bodies, 1 version
`)
    expect(code).toBe(0)
  })

  test('says of a file that was changed what is wrong, line by line', async () => {
    const cwd = folderWith(TEXT.replace('"errors"', '"ERRORS"').replace('"restore"', '"never"'))
    const { code, err } = await turnout(['backup', 'verify', 'all.ndjson'], { cwd })
    expect(err).toContain('all.ndjson is no whole backup, and must not be relied on')
    expect(err).toContain('line 6, $.onExpiry: must be one of restore, extend')
    expect(err).toContain('the file was changed or damaged')
    expect(code).toBe(1)
  })

  test('knows a file that is no text, and one that is not there', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'image'), Buffer.from([0x89, 0xff, 0x00]))
    expect((await turnout(['backup', 'verify', 'image'], { cwd })).err).toContain(
      'image is no backup: it is not UTF-8',
    )
    const { err } = await turnout(['backup', 'verify', 'nothing'], { cwd })
    expect(err).toContain('nothing cannot be read: there is no such file')
  })
})

describe('backup restore', () => {
  const RESTORED = {
    ...{
      object: 'environment:prod',
      outcome: 'restored',
      log: { imported: 0, carriedOver: 0 },
      history: 'kept',
    },
    ...{ epoch: 1001, version: 9, killsVersion: 4, recovered: ['flag:a'], over: [], notRun: ['prod:3'] },
    revoked: [],
    warnings: [{ path: '$.flags.db', message: 'would go back to live, but has passed its point' }],
  }
  const answers = (dryRun: boolean) => ({
    ...{ dryRun, madeAt: '2026-11-26T10:00:00.000Z', release: null, sha256: 'x' },
    objects: [{ object: 'access', outcome: 'all-here' }, RESTORED],
  })
  const restoring = () =>
    startApi({ 'PUT /backup': ({ line }: Call) => answers(line.includes('dryRun=true')) })
  const ARGS = ['backup', 'restore', 'all.ndjson']

  test('shows what it would do, asks, and does it', async () => {
    const api = await restoring()
    const cwd = folderWith(TEXT)
    const args = [...ARGS, '--reason', 'disk lost']
    const { code, out, asked } = await turnout(args, { ...api, cwd, answers: ['y'] })
    expect(out).toBe(`all.ndjson, made 2026-11-26 10:00:00Z:
  access: nothing that is not here
  environment:prod: version 9 under epoch 1001; the versions between stay
    in force again: kill flag:a
    its time has passed, and it does nothing: schedule prod:3
    warning: $.flags.db would go back to live, but has passed its point
Restored 1 object.
turnout kills list says what is killed; turnout restore TARGET ends a kill.
`)
    expect(asked).toMatchObject([{ question: 'A restore publishes at once. Restore it? [y/N] ' }])
    expect(code).toBe(0)
    expect(api.writes()).toEqual(['PUT /backup?reason=disk lost&dryRun=true', 'PUT /backup?reason=disk lost'])
    expect(api.calls.map(({ body }) => body)).toEqual([TEXT, TEXT])
  })

  test.each([
    ['the answer is no', { answers: ['n'] }, [], 1],
    ['nobody can be asked', {}, [], 1],
    ['only a dry run is wanted', {}, ['--dry-run'], 0],
  ])('does nothing if %s', async (_, circumstances, args, exit) => {
    const api = await restoring()
    const ran = await turnout([...ARGS, ...args], { ...api, cwd: folderWith(TEXT), ...circumstances })
    expect(ran.code).toBe(exit)
    expect(api.writes()).toEqual(['PUT /backup?dryRun=true'])
  })

  test('does it unasked with --yes, of one environment with --env', async () => {
    const api = await startApi({ 'PUT /environments/prod/backup': answers(false) })
    const args = [...ARGS, '--env', 'prod', '--yes']
    expect((await turnout(args, { ...api, cwd: folderWith(TEXT) })).code).toBe(0)
    expect(api.writes()).toHaveLength(2)
  })

  test('breaks the glass over what is protected if it is told to, with a reason', async () => {
    const api = await restoring()
    const cwd = folderWith(TEXT)
    expect((await turnout([...ARGS, '--yes', '--break-glass'], { ...api, cwd })).code).toBe(2)
    const args = [...ARGS, '--yes', '--break-glass', '--reason', 'disk lost']
    expect((await turnout(args, { ...api, cwd })).code).toBe(0)
    expect(api.calls.map(({ headers }) => headers['x-turnout-break-glass'])).toEqual([undefined, 'true'])
  })

  test('sends no file that is not whole', async () => {
    const api = await restoring()
    const { code, err } = await turnout([...ARGS, '--yes'], { ...api, cwd: folderWith(TEXT.slice(0, -9)) })
    expect(err).toContain('must not be relied on')
    expect(code).toBe(1)
    expect(api.calls).toEqual([])
  })

  test('is what turnout restore points to if it is given a file', async () => {
    const { code, err } = await turnout(['restore', 'backups/all.ndjson'])
    expect(err).toContain('to restore a backup: turnout backup restore backups/all.ndjson')
    expect(code).toBe(2)
  })
})
