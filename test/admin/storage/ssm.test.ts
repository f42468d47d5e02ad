import { beforeEach, describe, expect, it } from 'vitest'
import { REAL_TIME } from '../../../admin/storage/aws/timing.ts'
import type { FlagStore, Loaded, Revision } from '../../../admin/storage/store.ts'
import type { FlagDocument } from '../../../engine/index.ts'
import type { RemoteAccount } from '../../helpers/aws/remote.ts'
import { describeStore } from './contract.ts'
import { hurried, PATH, ssm, storeIn } from './ssm.ts'

const THROTTLED = { type: 'ThrottlingException', message: 'Rate exceeded' }

describeStore(
  'in SSM',
  async () => {
    const { aws, store } = await ssm()
    const outside = async ({ flags }: FlagDocument) => {
      for (const [key, flag] of Object.entries(flags))
        await aws.putParameter(`${PATH}/flags/${key}`, JSON.stringify(flag))
    }
    return { store, outside, pass: async () => {} }
  },
  { routes: true },
)

let aws: RemoteAccount
let store: FlagStore
beforeEach(async () => {
  ;({ aws, store } = await ssm())
})

const put = (name: string, value: string) => aws.putParameter(`${PATH}/${name}`, value)
const valueAt = async (name: string) => (await aws.parameters())[`${PATH}/${name}`]?.value
const actions = async () => (await aws.calls()).map(({ action }) => action)
const written = async () =>
  (await aws.calls())
    .filter(({ action }) => action === 'ssm:PutParameter')
    .map(({ input }) => String(input.Name))

async function load(known: Revision | null = null, from = store): Promise<Loaded> {
  const found = await from.load(known)
  if (!found.ok || found.value === 'unchanged') throw new Error(JSON.stringify(found))
  return found.value
}
async function save(document: FlagDocument, expected: Revision, into = store): Promise<Revision> {
  const saved = await into.save(document, expected)
  if (!saved.ok) throw new Error(JSON.stringify(saved.error))
  return saved.value
}
async function failing(work: ReturnType<FlagStore['save']> | ReturnType<FlagStore['load']>) {
  const done = await work
  if (done.ok) throw new Error(`it was done: ${JSON.stringify(done.value)}`)
  return done.error
}

describe('reading parameters', () => {
  it('takes true and false as people put them, short forms, and SecureStrings', async () => {
    await put('flags/A', 'false')
    await put('flags/B', ' { "enabled": true, "allowlist": ["ada"] }\n')
    await aws.putParameter(`${PATH}/flags/C`, '"true"', 'SecureString')
    expect((await load()).document.flags).toEqual({
      ...{ A: false, B: { enabled: true, allowlist: ['ada'] }, C: 'true' },
    })
  })

  it('reads every page, however short', async () => {
    for (let n = 0; n < 23; n++) await put(`flags/f${n}`, 'true')
    await aws.setAwkwardPages(true)
    expect(Object.keys((await load()).document.flags)).toHaveLength(23)
  })

  it('names each value that is not JSON, and where', async () => {
    await put('flags/a', '{ "enabled": tru }')
    await put('segments/s', 'none')
    const error = await failing(store.load(null))
    expect(error).toMatchObject({
      reason: 'invalid',
      errors: [
        { path: '$.flags.a', message: expect.stringContaining('flags/a, line 1, column 14') },
        { path: '$.segments.s', message: expect.stringContaining('is not JSON in segments/s') },
      ],
    })
  })

  it('sees that one was deleted and made again, though its version is the same', async () => {
    const saved = await save({ flags: { a: true } }, (await load()).revision)
    await aws.removeParameter(`${PATH}/flags/a`)
    await put('flags/a', 'false')
    expect((await failing(store.save({ flags: { a: { enabled: true } } }, saved))).reason).toBe('changed')
    expect((await load(saved)).document.flags).toEqual({ a: false })
  })

  it('warns of parameters that it does not know', async () => {
    await put('flag/a', 'true')
    expect((await load()).warnings).toEqual([
      { path: '$', message: 'does not know the parameter flag/a: it is ignored' },
    ])
  })

  it('knows nothing of the parameters of other environments', async () => {
    await aws.putParameter('/turnout/prod-eu/flags/a', 'true')
    expect(await load()).toMatchObject({ document: { flags: {} }, blank: true })
  })

  it('waits out throttling, and does not ask more than ten times a second', async () => {
    for (let n = 0; n < 35; n++) await put(`flags/f${n}`, 'true')
    await aws.fail({ action: 'ssm:GetParametersByPath', does: THROTTLED, after: 1, times: 2 })
    await load(null, storeIn(aws, {}, REAL_TIME))
    const calls = await aws.calls()
    expect(calls).toHaveLength(6)
    expect(calls.at(-1)!.atMs - calls[0]!.atMs).toBeGreaterThanOrEqual(490)
  })

  it('reads a thousand flags in a hundred calls, which take ten seconds; more are refused with advice', async () => {
    const names = Array.from({ length: 1_000 }, (_, n) => `flags/f${n}`)
    for (let at = 0; at < 1_000; at += 50)
      await Promise.all(names.slice(at, at + 50).map((name) => put(name, 'true')))
    await aws.setReadRate(1_000_000)
    await aws.forgetCalls()
    let tookMs = 0
    const wait = async (ms: number) => {
      tookMs += ms
    }
    const timing = { ...hurried(), nowMs: () => tookMs, wait }
    const patient = storeIn(aws, {}, timing)
    expect(Object.keys((await load(null, patient)).document.flags)).toHaveLength(1_000)
    expect(await actions()).toHaveLength(100)
    expect(tookMs).toBe(9_900)
    await put('flags/one-more', 'true')
    expect(await failing(patient.load(null))).toMatchObject({
      errors: [{ path: '$', message: expect.stringContaining('use AppConfig') }],
    })
  })

  it('says so when AWS does not answer, or refuses', async () => {
    await aws.setDown(true)
    expect(await failing(store.load(null))).toMatchObject({ reason: 'unavailable' })
    await aws.heal()
    await aws.fail({ action: 'ssm:*', does: { type: 'AccessDeniedException', message: 'no', status: 400 } })
    expect(await failing(store.load(null))).toMatchObject({
      ...{ reason: 'denied', detail: expect.stringContaining('ssm:GetParametersByPath') },
    })
  })
})

describe('writing parameters', () => {
  it('writes only what changes, in two calls for one flag', async () => {
    const first = await save({ flags: { a: true, b: true, c: true } }, (await load()).revision)
    await aws.forgetCalls()
    await save({ flags: { a: true, b: false, c: true } }, first)
    expect(await actions()).toEqual(['ssm:GetParameters', 'ssm:PutParameter'])
    expect(await written()).toEqual([`${PATH}/flags/b`])
  })

  it('does not rewrite what somebody has put in other words', async () => {
    await put('flags/a', '{ "enabled" : true }')
    const { document, revision } = await load()
    await aws.forgetCalls()
    await save({ flags: { ...document.flags, b: true } }, revision)
    expect(await written()).toEqual([`${PATH}/flags/b`])
  })

  it('keeps a SecureString one', async () => {
    await aws.putParameter(`${PATH}/flags/a`, 'true', 'SecureString')
    await save({ flags: { a: false } }, (await load()).revision)
    expect((await aws.parameters())[`${PATH}/flags/a`]).toMatchObject({
      value: 'false',
      type: 'SecureString',
    })
  })

  it('tells of values that are too large, and of too many, before it writes anything', async () => {
    const { revision } = await load()
    const large = { enabled: true, allowlist: Array.from({ length: 400 }, (_, n) => `user-${n}-é`) }
    expect(await failing(store.save({ flags: { a: large, b: true } }, revision))).toMatchObject({
      ...{ reason: 'invalid', errors: [{ path: '$.flags.a', message: expect.stringContaining('SSM_TIER') }] },
    })
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`f${n}`, true]))
    expect(await failing(store.save({ flags: many }, revision))).toMatchObject({
      errors: [{ path: '$', message: expect.stringContaining('use AppConfig') }],
    })
    expect(await written()).toEqual([])
    const intelligent = storeIn(aws, { tier: 'intelligent' })
    await save({ flags: { a: large } }, revision, intelligent)
    expect((await aws.parameters())[`${PATH}/flags/a`]).toMatchObject({ tier: 'Advanced' })
  })

  it('tells of more kills than a parameter holds, before it asks AWS to take them', async () => {
    const { revision } = await load()
    const kills = Array.from({ length: 300 }, (_, n) => ({ target: `flag:some-flag-${n}` as const }))
    expect(await failing(store.saveKills!(kills, revision))).toMatchObject({
      ...{ reason: 'invalid' },
      errors: [{ path: '$.kills', message: expect.stringMatching(/^takes \d+ bytes .*: use AppConfig$/) }],
    })
    expect(await written()).toEqual([])
  })

  it('takes an answer that was lost for what it was', async () => {
    const { revision } = await load()
    await aws.fail({ action: 'ssm:PutParameter', does: 'lose-answer', times: 1 })
    const saved = await save({ flags: { a: true } }, revision)
    expect(await written()).toHaveLength(1)
    expect(await store.load(saved)).toEqual({ ok: true, value: 'unchanged' })
  })

  it('takes back what it cannot complete', async () => {
    const before = { flags: { a: true, b: true, c: true } }
    const first = await save(before, (await load()).revision)
    const denied = { type: 'AccessDeniedException', message: 'no', status: 400 }
    // The manifest and the first of three are written.
    await aws.fail({ action: 'ssm:PutParameter', does: denied, after: 2, times: 1 })
    const error = await failing(store.save({ flags: { a: false, b: false, c: false } }, first))
    expect(error.reason).toBe('denied')
    expect((await load()).document).toMatchObject(before)
    expect(JSON.parse((await valueAt('manifest'))!)).toMatchObject({ state: 'done' })
  })

  it('says what the label of an oldest version does', async () => {
    for (let n = 0; n < 100; n++) await put('flags/a', n % 2 === 0 ? 'true' : 'false')
    await aws.labelParameter(`${PATH}/flags/a`, 1, 'keep')
    const error = await failing(store.save({ flags: { a: true } }, (await load()).revision))
    expect(error).toMatchObject({ reason: 'denied', detail: expect.stringContaining('label') })
  })
})

describe('a change of several parameters', () => {
  const before = { flags: { a: true, b: true } }
  const pending = (versions: object | null) =>
    put('manifest', JSON.stringify({ revision: 'x', state: 'pending', versions }))

  it('is not taken while it is pending', async () => {
    const first = await save(before, (await load()).revision)
    await pending({ 'flags/a': 2 })
    await put('flags/a', 'false')
    expect(await failing(store.load(first))).toMatchObject({ reason: 'busy' })
    await put('manifest', JSON.stringify({ revision: 'x', state: 'done', versions: { 'flags/a': 2 } }))
    expect((await load(first)).document.flags).toMatchObject({ a: false })
  })

  it('is not written over by another', async () => {
    const first = await save(before, (await load()).revision)
    await pending(null)
    expect(await failing(store.save({ flags: { a: false, b: true } }, first))).toMatchObject({
      reason: 'busy',
    })
    expect(await valueAt('flags/a')).toBe('true')
  })

  it('that its writer has given up is ended by the next save, with what was valid before', async () => {
    const first = await save(before, (await load()).revision)
    await pending({ 'flags/a': 2, 'flags/c': 1 })
    await put('flags/a', 'false')
    await put('flags/c', 'true')
    const later = storeIn(aws, {}, hurried(61_000))
    const saved = await save(before, first, later)
    expect((await load(null)).document.flags).toEqual(before.flags)
    expect(await store.load(saved)).toEqual({ ok: true, value: 'unchanged' })
  })

  it('is read again if it was torn', async () => {
    await save(before, (await load()).revision)
    // As a reading sees it that came by `a` before, and by the manifest after it.
    await put('manifest', JSON.stringify({ revision: 'x', state: 'done', versions: { 'flags/a': 2 } }))
    expect(await failing(store.load(null))).toMatchObject({ reason: 'busy' })
    await put('flags/a', 'false')
    expect((await load()).document.flags).toMatchObject({ a: false })
  })

  it('that does not say what it changes is read until a whole reading has begun after it', async () => {
    await put('flags/a', 'true')
    await put('manifest', JSON.stringify({ revision: 'x', state: 'done', versions: null }))
    await aws.forgetCalls()
    await load()
    expect(await actions()).toEqual(['ssm:GetParametersByPath', 'ssm:GetParametersByPath'])
  })
})

describe('somebody else who writes at the same moment', () => {
  it('keeps what he wrote, and we are told', async () => {
    const first = await save({ flags: { a: true } }, (await load()).revision)
    // Between our look and our write: the look is answered, late, while he writes.
    await aws.fail({ action: 'ssm:PutParameter', does: { lateMs: 400 }, times: 1 })
    const saving = failing(store.save({ flags: { a: { enabled: false } } }, first))
    await expect.poll(actions).toContain('ssm:GetParameters')
    await new Promise((next) => setTimeout(next, 250))
    await put('flags/a', '{"enabled":true,"percentage":10}')
    const error = await saving
    expect(error).toMatchObject({
      ...{ reason: 'changed', overwritten: { name: 'flags/a', value: '{"enabled":true,"percentage":10}' } },
    })
    expect(await valueAt('flags/a')).toBe('{"enabled":true,"percentage":10}')
  })
})
