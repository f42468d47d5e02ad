import { beforeEach, describe, expect, it } from 'vitest'
import { formatsWith } from '../../../admin/storage/appconfig/format.ts'
import type { FlagStore, Loaded, Revision } from '../../../admin/storage/store.ts'
import type { FlagDocument } from '../../../engine/index.ts'
import { appConfig, FEATURE_FLAGS, FREEFORM, type TestAppConfig } from './appconfig.ts'
import { describeStore } from './contract.ts'

const POLL_MS = 15_000

const written = (type: string, document: FlagDocument): string => {
  const text = formatsWith([])[type]!.write(null, document)
  if (!text.ok) throw new Error(JSON.stringify(text.error))
  return text.value
}

for (const [name, type] of [
  ['in AppConfig, freeform', FREEFORM],
  ['in AppConfig, as feature flags', FEATURE_FLAGS],
] as const)
  describeStore(
    name,
    async () => {
      const { aws, place, store, pass } = await appConfig(type)
      return {
        store,
        outside: async (document) => {
          await pass(2_000)
          await aws.deploy(place, written(type, document))
        },
        pass: () => pass(POLL_MS + 1),
      }
    },
    { routes: true },
  )

let test: TestAppConfig
let store: FlagStore
beforeEach(async () => {
  test = await appConfig()
  ;({ store } = test)
})

const ON = { flags: { a: true } }
const OFF = { flags: { a: false } }

const deploy = (document: FlagDocument) => test.aws.deploy(test.place, JSON.stringify(document))
const actions = async () => (await test.aws.calls()).map(({ action }) => action.slice('appconfig:'.length))
const poll = async (known: Revision | null, from = store) => {
  await test.pass(POLL_MS + 1)
  return from.load(known)
}
async function load(known: Revision | null = null, from = store): Promise<Loaded> {
  const found = await poll(known, from)
  if (!found.ok || found.value === 'unchanged') throw new Error(JSON.stringify(found))
  return found.value
}
async function save(document: FlagDocument, expected: Revision): Promise<Revision> {
  const saved = await store.save(document, expected)
  if (!saved.ok) throw new Error(JSON.stringify(saved.error))
  return saved.value
}
async function failing(work: ReturnType<FlagStore['save']> | ReturnType<FlagStore['load']>) {
  const done = await work
  if (done.ok) throw new Error(`it was done: ${JSON.stringify(done.value)}`)
  return done.error
}
const unchanged = { ok: true, value: 'unchanged' }

describe('polling AppConfig', () => {
  it('costs one call while nothing changes, and an empty body is no empty document', async () => {
    await deploy(ON)
    const { revision } = await load()
    await test.aws.forgetCalls()
    expect(await poll(revision)).toEqual(unchanged)
    expect(await actions()).toEqual(['GetLatestConfiguration'])
  })

  it('waits as long as the server says', async () => {
    await deploy(ON)
    await test.aws.setPollInterval(40)
    const { revision } = await load()
    expect(store.pollAfterMs).toBe(40_000)
    await test.aws.forgetCalls()
    await test.pass(41_000)
    expect(await store.load(revision)).toEqual(unchanged)
    expect(await actions()).toEqual(['GetLatestConfiguration'])
    expect((await test.aws.calls()).map(({ error }) => error)).toEqual([null])
  })

  it('goes on with its token after a restart', async () => {
    await deploy(ON)
    const { revision } = await load()
    const restarted = test.again()
    await test.aws.forgetCalls()
    expect(await poll(revision, restarted)).toEqual(unchanged)
    expect(await actions()).not.toContain('StartConfigurationSession')
    expect((await test.aws.calls()).map(({ error }) => error)).not.toContain('BadRequestException')
  })

  it.each([
    ['a day later', () => test.pass(25 * 3_600_000)],
    ['after AWS has forgotten it', () => test.aws.forgetTokens()],
  ])('begins a new session where its token is refused: %s', async (_, happen) => {
    await deploy(ON)
    const { revision } = await load()
    await happen()
    expect(await poll(revision)).toEqual(unchanged)
    await deploy(OFF)
    expect((await load(revision)).document).toEqual(OFF)
  })

  it('opens a new session when it is pushed, and none more often than every five seconds', async () => {
    await deploy(ON)
    const { revision } = await load()
    await test.pass(6_000)
    await deploy(OFF)
    await test.aws.forgetCalls()
    const pushed = await store.load(revision, true)
    expect(pushed).toMatchObject({ value: { document: OFF } })
    expect((await actions()).slice(0, 2)).toEqual(['StartConfigurationSession', 'GetLatestConfiguration'])
    // Pushed again at once: it waits until it may.
    await store.load(revision, true)
    const sessions = (await test.aws.calls()).filter(({ action }) =>
      action.endsWith('StartConfigurationSession'),
    )
    expect(sessions).toHaveLength(2)
    expect(sessions[1]!.atMs - sessions[0]!.atMs).toBeGreaterThanOrEqual(5_000)
    expect((await test.aws.calls()).map(({ error }) => error)).not.toContain('BadRequestException')
  })

  it('tells again what was delivered and could not be read', async () => {
    await deploy(ON)
    const { revision } = await load()
    await deploy(OFF)
    await test.aws.fail({
      ...{ action: 'appconfig:GetHostedConfigurationVersion', times: 1 },
      does: { type: 'AccessDeniedException', message: 'no', status: 403 },
    })
    expect(await failing(poll(revision))).toMatchObject({ reason: 'denied' })
    expect((await load(revision)).document).toEqual(OFF)
  })

  it('says where content is not valid, for as long as it is not', async () => {
    await deploy(ON)
    const { revision } = await load()
    await test.aws.deploy(test.place, '{ "flags": { "a": tru } }')
    const invalid = {
      reason: 'invalid',
      errors: [{ path: '$', message: expect.stringContaining('column 19') }],
    }
    expect(await failing(poll(revision))).toMatchObject(invalid)
    expect(await failing(poll(revision))).toMatchObject(invalid)
    await deploy(OFF)
    expect((await load(revision)).document).toEqual(OFF)
  })

  it('finds what is deployed behind any number of deployments of other profiles', async () => {
    await deploy(ON)
    const other = { ...test.place, profile: 'limits' }
    await test.aws.makePlace(other)
    for (let n = 0; n < 55; n++) {
      await test.aws.advance(2_000)
      await test.aws.deploy(other, '{}')
    }
    await test.aws.advance(2_000)
    const { document, revision } = await load()
    expect(document).toEqual(ON)
    expect((await store.save(OFF, revision)).ok).toBe(true)
  })

  it('says what is missing in AppConfig, and finds it when it is there', async () => {
    test = await appConfig(FREEFORM, null, false)
    expect(await failing(test.store.load(null))).toMatchObject({
      ...{
        reason: 'denied',
        detail: expect.stringContaining('no application "shop" (APPCONFIG_APPLICATION); there is none'),
      },
    })
    await deploy(ON)
    expect((await load(null, test.store)).document).toEqual(ON)
  })
})

describe('saving to AppConfig', () => {
  it('makes one strategy of its own, and waits for no bake time', async () => {
    let revision = (await load()).revision
    for (const document of [ON, OFF, ON]) revision = await save(document, revision)
    expect((await actions()).filter((action) => action === 'CreateDeploymentStrategy')).toHaveLength(1)
    expect(Object.keys(await test.aws.versions(test.place))).toHaveLength(3)
    expect((await load(null)).document).toEqual(ON)
  })

  it('deploys nothing that says what is deployed already', async () => {
    const saved = await save(ON, (await load()).revision)
    const killed = await store.saveKills!([{ target: 'flag:a' }], saved)
    if (!killed.ok) throw new Error(killed.error.reason)
    expect(await store.saveKills!([{ target: 'flag:a' }], killed.value)).toEqual(killed)
    expect(await save(ON, killed.value)).toBe(killed.value)
    expect(Object.keys(await test.aws.versions(test.place))).toHaveLength(2)
  })

  it('is refused while another deployment is running, with its state, and leaves no version behind', async () => {
    await deploy(ON)
    const { revision } = await load()
    await test.aws.deploy(test.place, JSON.stringify(OFF), 'AppConfig.AllAtOnce')
    const error = await failing(store.save(OFF, revision))
    expect(error).toMatchObject({ reason: 'busy', detail: expect.stringContaining('BAKING') })
    expect(Object.keys(await test.aws.versions(test.place))).toHaveLength(2)
  })

  it('does not deploy over what somebody else has deployed after it looked', async () => {
    await deploy(ON)
    const { revision } = await load()
    test.before('StartDeploymentCommand', async () => {
      await test.aws.deploy(test.place, '{"flags":{"a":true,"b":true}}')
      await test.aws.advance(2_000)
    })
    expect(await failing(store.save(OFF, revision))).toMatchObject({
      ...{ reason: 'changed', detail: 'AppConfig serves version 3 by deployment 2, which is newer' },
    })
    expect((await load()).document).toEqual({ flags: { a: true, b: true } })
    expect(Object.keys(await test.aws.versions(test.place))).toEqual(['1', '3'])
  })

  it('minds no deployment of another profile that has ended, and names the state of one that runs', async () => {
    const other = { ...test.place, profile: 'limits' }
    const saved = await save(ON, (await load()).revision)
    await test.pass(2_000)
    await test.aws.makePlace(other)
    test.before('StartDeploymentCommand', async () => {
      await test.aws.deploy(other, '{}')
      await test.aws.advance(2_000)
    })
    const next = await save(OFF, saved)
    await test.pass(2_000)
    await test.aws.deploy(other, '{}', 'AppConfig.AllAtOnce')
    expect(await failing(store.save(ON, next))).toMatchObject({
      ...{ reason: 'busy', detail: expect.stringContaining('is BAKING (100 %)') },
    })
  })

  it('takes an answer that was lost for what it was', async () => {
    const { revision } = await load()
    await test.aws.fail({ action: 'appconfig:StartDeployment', does: 'lose-answer', times: 1 })
    const saved = await save(ON, revision)
    expect(await test.aws.deployments(test.place)).toHaveLength(1)
    expect(await poll(saved)).toEqual(unchanged)
  })

  it('goes on over versions that others have written but not deployed', async () => {
    const saved = await save(ON, (await load()).revision)
    await test.aws.createVersion(test.place, '{"flags":{}}')
    await test.pass(2_000)
    await save(OFF, saved)
    expect((await load()).document).toEqual(OFF)
  })

  it('refuses a document that is too large before anything is written', async () => {
    const { revision } = await load()
    const flags = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`f${n}`, { enabled: true, description: 'x'.repeat(11_000) }]),
    )
    expect(await failing(store.save({ flags }, revision))).toMatchObject({
      ...{ reason: 'invalid', errors: [{ path: '$', message: expect.stringContaining('1048576') }] },
    })
    expect(await test.aws.versions(test.place)).toEqual({})
  })

  it('hears of it when a deployment of its own is rolled back, and why', async () => {
    test = await appConfig(FREEFORM, 'AppConfig.AllAtOnce')
    ;({ store } = test)
    await deploy(ON)
    const before = await load()
    const saved = await save(OFF, before.revision)
    expect(await poll(saved)).toEqual(unchanged)
    await test.aws.alarm(test.place, 'errors above 1 %')
    await test.pass(2_000)
    const after = await load(saved)
    expect(after).toMatchObject({ document: ON, revision: before.revision })
    expect(after.reason).toMatch(/^deployment 2 was rolled back: .*errors above 1 %/)
  })
})

describe('a gradual deployment by somebody else', () => {
  it('counts when it has reached us, and no longer when it is rolled back', async () => {
    await deploy(ON)
    const { revision } = await load()
    await test.aws.setBucket(50)
    await test.aws.deploy(test.place, JSON.stringify(OFF), 'AppConfig.Linear20PercentEvery6Minutes')
    expect(await poll(revision)).toEqual(unchanged)
    await test.pass(15 * 60_000)
    const reached = await load(revision)
    expect(reached.document).toEqual(OFF)
    await test.aws.alarm(test.place, 'errors')
    await test.pass(2_000)
    expect((await load(reached.revision)).document).toEqual(ON)
  })
})
