/** `turnout store`, as far as the API is told and the user is. */
import { describe, expect, test } from 'vitest'
import { type Call, startApi, UNPROTECTED } from './fake-api.ts'
import { turnout } from './run.ts'

const PREVIEW = {
  ...{
    from: 'embedded prod',
    to: 'ssm /turnout/prod in eu-west-1',
    dryRun: true,
    written: false,
    identical: false,
  },
  differences: [{ kind: 'flag', key: 'beta', change: 'added', patch: null }],
  ...{ same: 3, reordered: false },
}
const DONE = { ...PREVIEW, dryRun: false, written: true, identical: true }
const COPY = 'POST /environments/prod/store/copy'
const copying = (done: object) => ({
  ...UNPROTECTED,
  [COPY]: ({ body }: Call) => ((body as { dryRun: boolean }).dryRun ? PREVIEW : done),
})
const COMMAND = ['store', 'copy', '--from', 'embedded', '--to', 'ssm']

describe('store copy', () => {
  test('shows what would change, copies, and says that it has arrived', async () => {
    const api = await startApi(copying(DONE))
    const { code, out } = await turnout([...COMMAND, '--reason', 'moving out'], api)
    expect(out).toBe(`From embedded prod to ssm /turnout/prod in eu-west-1:
  + flag beta
1 difference; 3 flags, segments and routes are the same.
Done: both compile to the same snapshot.
`)
    expect(code).toBe(0)
    expect(api.calls.filter(({ line }) => line === COPY).map(({ body }) => body)).toEqual([
      { from: 'embedded', to: 'ssm', dryRun: true },
      { from: 'embedded', to: 'ssm', dryRun: false, reason: 'moving out' },
    ])
  })

  test('writes nothing in a dry run, nor where nothing is to be written', async () => {
    const api = await startApi(copying(DONE))
    expect((await turnout([...COMMAND, '--dry-run'], api)).out).toContain('Dry run: nothing was written.')
    const same = await startApi({ ...UNPROTECTED, [COPY]: { ...PREVIEW, differences: [], identical: true } })
    expect((await turnout(COMMAND, same)).out).toContain('Both compile to the same snapshot.')
    for (const { calls } of [api, same]) expect(calls.filter(({ line }) => line === COPY)).toHaveLength(1)
  })

  test('fails where the copy is not the same', async () => {
    const api = await startApi(copying({ ...DONE, identical: false }))
    const { code, err } = await turnout(COMMAND, api)
    expect([code, err]).toEqual([1, expect.stringContaining('does not compile to the same snapshot')])
  })

  test.each([
    [['--from', 'embedded'], 'give --from and --to'],
    [['--from', 's3', '--to', 'ssm'], '--from must be embedded, ssm or appconfig, got "s3"'],
  ])('needs to know from where to where: %j', async (options, complaint) => {
    const api = await startApi({})
    const { code, err } = await turnout(['store', 'copy', ...options], api)
    expect([code, err]).toEqual([2, expect.stringContaining(complaint)])
  })
})

describe('store show', () => {
  test('says where the document lives, and what is wrong there', async () => {
    const store = {
      ...{ kind: 'ssm', place: 'ssm /turnout/prod in eu-west-1', status: 'degraded' },
      problem: '$.flags.beta is not JSON in flags/beta, line 1, column 9: expected a value',
      ...{ errors: [], warnings: [], okAt: null },
      ...{ since: '2026-11-21T10:00:00.250Z', checkedAt: '2026-11-21T10:05:00.250Z' },
    }
    const api = await startApi({ 'GET /environments/prod': { store } })
    expect(
      (await turnout(['store', 'show'], api)).out,
    ).toBe(`The document of prod lives in ssm /turnout/prod in eu-west-1.
Last looked at 2026-11-21 10:05:00Z: degraded.
Since 2026-11-21 10:00:00Z: $.flags.beta is not JSON in flags/beta, line 1, column 9: expected a value
`)
  })
})
