/** The IAM policies in deploy/aws: every call that a store makes is allowed, and nothing is that it never makes. */
import { expect, it } from 'vitest'
import type { FlagStore } from '../../../admin/storage/store.ts'
import appConfigPolicy from '../../../deploy/aws/policies/appconfig.json?raw'
import ssmPolicy from '../../../deploy/aws/policies/ssm.json?raw'
import type { FlagDocument } from '../../../engine/index.ts'
import type { RemoteAccount } from '../../helpers/aws/remote.ts'
import { appConfig, FEATURE_FLAGS, FREEFORM } from './appconfig.ts'
import { ssm } from './ssm.ts'

interface Statement {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: string | readonly string[]
}

/** The policy's statements, with its placeholders filled in as the samples do it. */
function statements(policy: string, places: Record<string, string>): Statement[] {
  const given: Record<string, string> = {
    partition: 'aws',
    region: 'eu-west-1',
    account: '111122223333',
    ...places,
  }
  return JSON.parse(policy.replace(/\$\{(\w+)\}/g, (_, name: string) => given[name]!)).Statement
}

/** As IAM compares: `*` is any run of characters, `/` and `:` included. */
const covers = (pattern: string, resource: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(resource)

async function compare(
  aws: RemoteAccount,
  policy: Statement[],
): Promise<{ denied: string[]; unused: string[] }> {
  const calls = await aws.calls()
  const denied = calls.flatMap(({ action, resources }) =>
    resources
      .filter(
        (resource) =>
          !policy.some(
            ({ Action, Resource }) =>
              Action.includes(action) && [Resource].flat().some((pattern) => covers(pattern, resource)),
          ),
      )
      .map((resource) => `${action} ${resource}`),
  )
  const made = new Set(calls.map(({ action }) => action))
  return {
    denied: [...new Set(denied)],
    unused: policy.flatMap(({ Action }) => Action).filter((each) => !made.has(each)),
  }
}

const A: FlagDocument = { flags: { a: true, b: { enabled: true, percentage: 5 } } }
const B: FlagDocument = { flags: { a: false } }

/** Reads and writes in every way that there is: made, changed, taken away, killed. */
async function exercise(store: FlagStore, pass: () => Promise<void>): Promise<void> {
  const load = async () => {
    await pass()
    const loaded = await store.load(null)
    if (!loaded.ok || loaded.value === 'unchanged') throw new Error(JSON.stringify(loaded))
    return loaded.value.revision
  }
  const done = (result: { ok: boolean }) => expect(result).toMatchObject({ ok: true })
  done(await store.save(A, await load()))
  done(await store.save(B, await load()))
  done(await store.saveKills!([{ target: 'flag:a' }], await load()))
  await load()
}

it('the policy for SSM is what the store calls', async () => {
  const { aws, store } = await ssm()
  await exercise(store, async () => {})
  expect(await compare(aws, statements(ssmPolicy, { prefix: '/turnout' }))).toEqual({
    denied: [],
    unused: [],
  })
})

it.each([FREEFORM, FEATURE_FLAGS])('the policy for AppConfig is what the store calls: %s', async (type) => {
  const { aws, place, store, pass } = await appConfig(type)
  const { applicationId, profileId } = await aws.makePlace(place)
  const minute = () => pass(60_000)
  await exercise(store, minute)
  // A version that could not be deployed is taken away again.
  await minute()
  const loaded = await store.load(null)
  if (!loaded.ok || loaded.value === 'unchanged') throw new Error(JSON.stringify(loaded))
  await aws.fail({
    action: 'appconfig:StartDeployment',
    times: 2,
    does: { type: 'ConflictException', status: 409 },
  })
  expect(await store.save(A, loaded.value.revision)).toMatchObject({ ok: false, error: { reason: 'busy' } })
  const policy = statements(appConfigPolicy, { application: applicationId, profile: profileId })
  expect(await compare(aws, policy)).toEqual({ denied: [], unused: [] })
})
