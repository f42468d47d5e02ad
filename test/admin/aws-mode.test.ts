/** An environment whose document lives in SSM: what AWS has to do with each kind of change, and what it has not. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { EnvironmentObject } from '../../admin/objects/environment.ts'
import { DEFAULT_SETTINGS } from '../../admin/settings.ts'
import type { FlagDocument } from '../../engine/index.ts'
import { openAccount, type RemoteAccount } from '../helpers/aws/remote.ts'
import { environment } from './client.ts'

const MANNER = { precondition: null, breakGlass: false } as const
const author = (actor: string) => ({ actor, reason: null, requestId: null, address: null })
const ADA = author('ada')

interface Test {
  readonly aws: RemoteAccount
  readonly object: EnvironmentObject
  readonly name: string
  put(name: string, value: string): Promise<number>
  valueAt(name: string): Promise<string | undefined>
  toggle(key: string, enabled: boolean): ReturnType<EnvironmentObject['edit']>
  replace(document: FlagDocument): ReturnType<EnvironmentObject['edit']>
  flags(): FlagDocument['flags']
  actors(): string[]
  actions(): string[]
  audit(action: string): { details: Record<string, unknown> }[]
  store(): { status: string; problem: string | null }
}

const variablesFor = ({ endpoint, region, credentials }: RemoteAccount) => ({
  ...{ STORE: 'ssm', AWS_REGION: region, AWS_ENDPOINT_URL: endpoint },
  ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  AWS_SESSION_TOKEN: credentials.sessionToken,
})

/** A new environment in a new account; `before` may fill the account first. */
async function inSsm(
  work: (test: Test) => Promise<void>,
  settings: Partial<typeof DEFAULT_SETTINGS> = {},
  before: (put: Test['put']) => Promise<unknown> = async () => {},
): Promise<void> {
  const aws = await openAccount(inject('aws'))
  const name = `aws-${crypto.randomUUID().slice(0, 8)}`
  const path = `/turnout/${name}`
  const put = (at: string, value: string) => aws.putParameter(`${path}/${at}`, value)
  await before(put)
  const variables = variablesFor(aws)
  await runInDurableObject(env.ENVIRONMENTS.getByName(name), async (_, state) => {
    const object = new EnvironmentObject(state, { ...env, ...variables })
    const wanted = { ...DEFAULT_SETTINGS, ...settings }
    await object.putSettings(name, wanted, { precondition: { noneMatch: '*' }, breakGlass: false }, ADA)
    const sql = state.storage.sql
    await work({
      ...{ aws, object, name, put },
      valueAt: async (at) => (await aws.parameters())[`${path}/${at}`]?.value,
      toggle: (key, enabled) => object.edit({ do: 'toggle', key, enabled }, MANNER, ADA),
      replace: (document) =>
        object.edit(
          { do: 'put-document', text: JSON.stringify(document) },
          { ...MANNER, breakGlass: true },
          { ...ADA, reason: 'set-up' },
        ),
      flags() {
        const held = object.document(null, 'written')
        return held.ok ? JSON.parse(held.value.text).flags : {}
      },
      actors: () =>
        [...sql.exec<{ actor: string }>('SELECT actor FROM versions ORDER BY n')].map(({ actor }) => actor),
      actions: () =>
        [...sql.exec<{ action: string }>('SELECT action FROM audit ORDER BY seq')].map(
          ({ action }) => action,
        ),
      audit: (action) =>
        [...sql.exec<{ text: string }>('SELECT text FROM audit WHERE action = ? ORDER BY seq', action)].map(
          ({ text }) => JSON.parse(text),
        ),
      store() {
        const described = object.describe()
        if (!described.ok) throw new Error('no environment')
        const { trouble } = described.value.store
        return { status: trouble === null ? 'ok' : 'degraded', problem: trouble?.detail ?? null }
      },
    })
  })
}

let aheadMs = 0
let speed = 1
let realNowMs = () => 0
beforeEach(() => {
  aheadMs = 0
  speed = 1
  const [startedAtMs, began] = [Date.now(), performance.now()]
  realNowMs = () => startedAtMs + performance.now() - began
  vi.spyOn(Date, 'now').mockImplementation(() =>
    Math.floor(startedAtMs + aheadMs + (performance.now() - began) * speed),
  )
})
afterEach(() => vi.restoreAllMocks())

/** As the alarm does when the poll is due, and until it has ended. */
async function look({ object }: Test): Promise<void> {
  aheadMs += 16_000
  await object.alarm()
  await object.looked()
}

const refusal = (answer: Awaited<ReturnType<EnvironmentObject['edit']>>) =>
  answer.ok ? null : answer.error.reason === 'conflict' ? answer.error.kind : answer.error.reason

describe('an environment in AWS', () => {
  it('takes a migration over where it stands, and then no step that skips a stage', () => {
    const stages = ['off', 'dualwrite', 'shadow', 'live', 'rampdown', 'complete']
    const variants = Object.fromEntries(stages.map((stage) => [stage, stage]))
    const at = (stage: string) =>
      JSON.stringify({ kind: 'migration', enabled: true, variants, off: 'off', fallthrough: stage })
    return inSsm(
      async (test) => {
        const stage = () => (test.flags().orders as { fallthrough: string }).fallthrough
        expect(stage()).toBe('shadow')
        await test.put('flags/orders', at('complete'))
        await look(test)
        expect(stage()).toBe('shadow')
        expect(test.store()).toMatchObject({
          status: 'degraded',
          problem: expect.stringContaining('would move from shadow to complete'),
        })
        await test.put('flags/orders', at('live'))
        await look(test)
        expect([stage(), test.store().status]).toStrictEqual(['live', 'ok'])
      },
      {},
      async (put) => {
        await put('flags/a', 'true')
        await put('flags/orders', at('shadow'))
      },
    )
  })

  it('begins with what is there', () =>
    inSsm(
      async ({ flags, actors }) => {
        expect(flags()).toEqual({ a: true })
        expect(actors()).toEqual(['ada', 'aws:ssm'])
      },
      {},
      (put) => put('flags/a', 'true'),
    ))

  it('makes no version of what it has written itself', () =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true, b: { enabled: true, percentage: 5 } } })
      expect((await test.toggle('a', false)).ok).toBe(true)
      await look(test)
      expect(test.actors()).toEqual(['ada', 'ada', 'ada'])
      expect(test.store()).toEqual({ status: 'ok', problem: null })
    }))

  it('makes changes that come at once one after the other, and loses none', () =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true, b: true, c: true } })
      const made = await Promise.all([
        test.toggle('a', false),
        test.toggle('b', false),
        test.toggle('c', false),
      ])
      expect(made.map(({ ok }) => ok)).toEqual([true, true, true])
      expect(test.flags()).toEqual({ a: false, b: false, c: false })
      for (const key of ['a', 'b', 'c']) expect(await test.valueAt(`flags/${key}`)).toBe('false')
    }))

  it('does not change over somebody else’s change, which it then takes over', () =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true } })
      await test.put('flags/a', '{"enabled":true,"percentage":10}')
      expect(refusal(await test.toggle('a', false))).toBe('store-changed')
      expect(test.flags()).toEqual({ a: true })
      await look(test)
      expect(test.flags()).toEqual({ a: { enabled: true, percentage: 10 } })
      expect((await test.toggle('a', false)).ok).toBe(true)
      expect(JSON.parse((await test.valueAt('flags/a'))!)).toEqual({ enabled: false, percentage: 10 })
    }))

  it('refuses at once what is not valid, without a word to AWS', () =>
    inSsm(async (test) => {
      await test.aws.forgetCalls()
      expect(refusal(await test.replace({ flags: { a: { enabled: true, percentage: 101 } } }))).toBe(
        'invalid',
      )
      expect(await test.aws.calls()).toEqual([])
    }))
})

describe('an environment that had flags before', () => {
  it('takes an empty place for a mistake, until it is filled with what is in force', async () => {
    const aws = await openAccount(inject('aws'))
    const made = await environment({ flags: { a: true } })
    await runInDurableObject(made.stub, async (_, state) => {
      const object = new EnvironmentObject(state, { ...env, ...variablesFor(aws) })
      const lookAgain = async () => {
        aheadMs += 16_000
        await object.alarm()
        await object.looked()
        const described = object.describe()
        return described.ok ? described.value.store.trouble : null
      }
      expect(await lookAgain()).toMatchObject({ detail: expect.stringContaining('is not there') })
      const edit = { do: 'toggle', key: 'a', enabled: false } as const
      expect(refusal(await object.edit(edit, MANNER, ADA))).toBe('store-unavailable')
      const copied = await object.copyStore({ from: 'embedded', to: 'ssm', dryRun: false }, MANNER, ADA)
      expect(copied).toMatchObject({ ok: true, value: { written: true, identical: true } })
      expect(await lookAgain()).toBeNull()
      expect((await object.edit(edit, MANNER, ADA)).ok).toBe(true)
      expect((await aws.parameters())[`/turnout/${made.name}/flags/a`]?.value).toBe('false')
    })
  })
})

describe('a kill', () => {
  it('waits for nobody, not even for a change that AWS is slow to take', () =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true } })
      await test.aws.fail({ action: 'ssm:PutParameter', does: { lateMs: 1_500 }, times: 1 })
      const saving = test.toggle('a', false)
      const request = { variant: null, reason: 'errors', expiresAtMs: null, onExpiry: 'restore' } as const
      let isSaved = false
      void saving.then(() => {
        isSaved = true
      })
      expect(test.object.putKill('flag:a', request, MANNER, ADA).ok).toBe(true)
      expect(isSaved).toBe(false)
      expect((await saving).ok).toBe(true)
      expect(test.flags()).toEqual({ a: false })
    }))

  it('that AWS does not have goes on, and one that only AWS has is added once', () =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true, b: true } })
      await test.put('kills', JSON.stringify([{ target: 'flag:a' }, { target: 'flag:nope' }]))
      await look(test)
      expect(test.actions().filter((action) => action === 'kill.placed')).toHaveLength(1)
      const described = test.object.describe()
      expect(described.ok && described.value.store.warnings).toEqual([
        { path: '$.kills[1]', message: 'kills flag:nope, which is not there' },
      ])
      await test.aws.removeParameter(`/turnout/${test.name}/kills`)
      await look(test)
      expect(test.object.kill('flag:a').ok).toBe(true)
    }))
})

describe('an hour without AWS', () => {
  it(
    'a kill holds and is written when AWS returns; edits are refused, and nothing of them is there',
    () =>
      inSsm(async (test) => {
        await test.replace({ flags: { a: true, b: true } })
        speed = 30
        await test.aws.setDown(true)
        const request = { variant: null, reason: 'errors', expiresAtMs: null, onExpiry: 'restore' } as const
        expect(test.object.putKill('flag:a', request, MANNER, ADA).ok).toBe(true)
        for (let minutes = 0; minutes < 60; minutes += 10) {
          aheadMs += 10 * 60_000
          await test.object.alarm()
          await test.object.looked()
          expect(refusal(await test.toggle('b', false))).toBe('store-unavailable')
          expect(test.object.kill('flag:a').ok).toBe(true)
        }
        expect(test.flags()).toEqual({ a: true, b: true })
        expect(test.store().status).toBe('degraded')
        await test.aws.heal()
        // AWS has lived through it too.
        ;[aheadMs, speed] = [Date.now() - realNowMs(), 1]
        await test.aws.setSignatureSkew(aheadMs)
        expect(await test.valueAt('kills')).toBeUndefined()
        expect(await test.valueAt('flags/b')).toBe('true')
        await look(test)
        aheadMs += 60_000
        await test.object.alarm()
        expect(JSON.parse((await test.valueAt('kills'))!)).toEqual([{ target: 'flag:a' }])
        expect(test.store()).toEqual({ status: 'ok', problem: null })
        expect((await test.toggle('b', false)).ok).toBe(true)
      }),
    120_000,
  )

  it(
    'refuses those who waited together with whom they waited for, not one after the other',
    () =>
      inSsm(async (test) => {
        await test.replace({ flags: { a: true, b: true, c: true } })
        await test.aws.setDown(true)
        const toAws = vi.spyOn(globalThis, 'fetch')
        const waiting = ['a', 'b', 'c'].map((key) => test.toggle(key, false))
        await Promise.race(waiting)
        const attempts = toAws.mock.calls.length
        const answers = await Promise.all(waiting)
        expect(answers.map(refusal)).toEqual(['store-unavailable', 'store-unavailable', 'store-unavailable'])
        expect(attempts).toBeGreaterThan(1)
        expect(toAws).toHaveBeenCalledTimes(attempts)
      }),
    60_000,
  )
})

describe('what is wrong in AWS', () => {
  it.each([
    ['JSON that is none', 'flags/a', '{ "enabled": tru }', '$.flags.a'],
    ['a variant that the flag has not', 'flags/a', '{"enabled":true,"fallthrough":"purple"}', '$.flags.a'],
    [
      'a flag that another one needs',
      'flags/c',
      '{"enabled":true,"prerequisites":[{"flag":"x","variants":["on"]}]}',
      '$.flags.c',
    ],
  ])('never takes effect: %s', (_, at, text, path) =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true } })
      await test.put(at, text)
      await test.put('flags/b', 'true')
      await look(test)
      expect(test.store().problem).toContain(path)
      expect(test.flags()).toEqual({ a: true })
      await test.put(at, 'true')
      await look(test)
      expect(test.store()).toEqual({ status: 'ok', problem: null })
      expect(test.flags()).toMatchObject({ a: true, b: true })
      expect(test.actions().filter((action) => action.startsWith('store.'))).toEqual([
        ...['store.degraded', 'store.recovered'],
      ])
    }),
  )

  it('is a mistake if nothing is left at all', () =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true } })
      await test.aws.removeParameter(`/turnout/${test.name}/flags/a`)
      await look(test)
      expect(test.store()).toEqual({ status: 'degraded', problem: '$ has vanished: nothing of it is left' })
      expect(test.flags()).toEqual({ a: true })
      await test.put('flags/a', 'false')
      await look(test)
      expect(test.flags()).toEqual({ a: false })
    }))

  it('is told in a few words, however much of it there is', () =>
    inSsm(async (test) => {
      await test.replace({ flags: { a: true } })
      for (let n = 0; n < 30; n++) await test.put(`flags/f${n}`, 'tru')
      await look(test)
      expect(test.store().problem).toMatch(/^\$\.flags\.f\d+ is not JSON .*; and 27 more$/)
      const [told] = test.audit('store.degraded')
      expect(told?.details.errors).toHaveLength(20)
    }))

  it('is half of a change for a minute; then what was valid before stands there again', () =>
    inSsm(async (test) => {
      vi.spyOn(console, 'warn').mockImplementation(() => {})
      await test.replace({ flags: { a: true, b: true } })
      const versions = { 'flags/a': 2, 'flags/b': 2 }
      await test.put('manifest', JSON.stringify({ revision: 'x', state: 'pending', versions }))
      await test.put('flags/a', 'false')
      await look(test)
      expect(test.store().problem).toContain('is not complete')
      expect(test.flags()).toEqual({ a: true, b: true })
      aheadMs += 60_000
      await look(test)
      await look(test)
      expect(test.store()).toEqual({ status: 'ok', problem: null })
      expect(await test.valueAt('flags/a')).toBe('true')
      expect(JSON.parse((await test.valueAt('manifest'))!)).toMatchObject({ state: 'done' })
    }))

  it(
    'is told to others once an outage has lasted a minute, and once when it is over',
    () =>
      inSsm(async (test) => {
        speed = 30
        await test.replace({ flags: { a: true } })
        await test.aws.fail({
          action: 'ssm:*',
          does: { type: 'InternalServerError', message: 'no', status: 500 },
        })
        const told = () => test.actions().filter((action) => action.startsWith('store.'))
        await look(test)
        expect(test.store().status).toBe('degraded')
        expect(told()).toEqual([])
        for (let n = 0; n < 4; n++) await look(test)
        expect(told()).toEqual(['store.degraded'])
        await test.aws.heal()
        await look(test)
        expect(told()).toEqual(['store.degraded', 'store.recovered'])
      }),
    120_000,
  )
})

describe('in a protected environment', () => {
  it(
    'a change is in AWS when others have approved it, and not before',
    () =>
      inSsm(
        async (test) => {
          await test.replace({ flags: { a: false } })
          await test.aws.forgetCalls()
          const asked = await test.toggle('a', true)
          expect(refusal(asked)).toBe('approval-needed')
          expect(await test.aws.calls()).toEqual([])
          await test.aws.setDown(true)
          const refused = await test.object.decideApproval(1, 'approve', author('bob'))
          expect(refused).toMatchObject({ ok: false, error: { reason: 'store-unavailable' } })
          await test.aws.heal()
          const pending = test.object.approval(1)
          expect(pending).toMatchObject({ value: { approval: { status: 'pending', votes: [] } } })
          expect(test.actions().at(-1)).toBe('approval.requested')
          const approved = await test.object.decideApproval(1, 'approve', author('bob'))
          expect(approved).toMatchObject({ ok: true, value: { status: 'applied' } })
          expect(await test.valueAt('flags/a')).toBe('true')
          expect(test.flags()).toEqual({ a: true })
        },
        { approvals: 1 },
      ),
    60_000,
  )

  it('a change that AWS will never take ends its approval, and nothing is in AWS', () =>
    inSsm(
      async (test) => {
        await test.replace({ flags: { a: false } })
        const allowlist = Array.from({ length: 1_000 }, (_, n) => `customer-${n}`)
        const text = JSON.stringify({ a: { enabled: true, percentage: 5, allowlist } })
        const asked = await test.object.edit({ do: 'patch-flags', text }, MANNER, ADA)
        expect(refusal(asked)).toBe('approval-needed')
        const approved = await test.object.decideApproval(1, 'approve', author('bob'))
        const note = expect.stringContaining('$.flags.a takes 14935 bytes as a parameter')
        expect(approved).toMatchObject({ value: { status: 'failed', note } })
        expect(test.actions().slice(-2)).toEqual(['approval.requested', 'approval.failed'])
        expect(await test.valueAt('flags/a')).toBe('false')
        expect(test.flags()).toEqual({ a: false })
        expect(refusal(await test.toggle('a', true))).toBe('approval-needed')
      },
      { approvals: 1 },
    ))

  it('a change that cannot be made any more ends its approval without a word to AWS', () =>
    inSsm(
      async (test) => {
        await test.replace({ flags: { a: false } })
        const schedule = { atMs: Date.now() + 5_000, untilMs: null, text: '{"a":{"enabled":true}}' }
        expect(await test.object.addSchedule(schedule, MANNER, ADA)).toMatchObject({
          error: { reason: 'approval-needed' },
        })
        aheadMs += 6_000
        await test.aws.forgetCalls()
        const approved = await test.object.decideApproval(1, 'approve', author('bob'))
        expect(approved).toMatchObject({ value: { status: 'failed', note: '$.at must be in the future' } })
        expect(test.actions().slice(-2)).toEqual(['approval.requested', 'approval.failed'])
        expect(await test.aws.calls()).toEqual([])
      },
      { approvals: 1 },
    ))

  it('a change that comes at a bad time is no vote, and may be approved again', () =>
    inSsm(
      async (test) => {
        await test.replace({ flags: { a: false } })
        expect(refusal(await test.toggle('a', true))).toBe('approval-needed')
        await test.put('flags/a', '{"enabled":false,"percentage":10}')
        const refused = await test.object.decideApproval(1, 'approve', author('bob'))
        expect(refused).toMatchObject({ error: { kind: 'store-changed' } })
        const pending = test.object.approval(1)
        expect(pending).toMatchObject({ value: { approval: { status: 'pending', votes: [] } } })
        expect(test.actions()).not.toContain('approval.approved')
        await look(test)
        const approved = await test.object.decideApproval(1, 'approve', author('bob'))
        expect(approved).toMatchObject({ value: { status: 'stale' } })
      },
      { approvals: 1 },
    ))

  it('what is changed in AWS waits for nobody', () =>
    inSsm(
      async (test) => {
        await test.replace({ flags: { a: false } })
        await test.put('flags/a', 'true')
        await look(test)
        expect(test.flags()).toEqual({ a: true })
      },
      { approvals: 1 },
    ))
})

describe('a schedule that is due while AWS is down', () => {
  it(
    'is made when it is back, once',
    () =>
      inSsm(async (test) => {
        speed = 30
        await test.replace({ flags: { a: false } })
        const schedule = { atMs: Date.now() + 5_000, untilMs: null, text: '{"a":{"enabled":true}}' }
        expect((await test.object.addSchedule(schedule, MANNER, ADA)).ok).toBe(true)
        await test.aws.setDown(true)
        await look(test)
        expect(test.object.schedule(1)).toMatchObject({ value: { status: 'waiting' } })
        await test.aws.heal()
        await look(test)
        await look(test)
        expect(test.object.schedule(1)).toMatchObject({ value: { status: 'done' } })
        expect(JSON.parse((await test.valueAt('flags/a'))!)).toMatchObject({ enabled: true })
      }),
    120_000,
  )
})
