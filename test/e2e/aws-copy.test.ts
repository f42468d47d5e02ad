/** From one store to another and back, with the command line: nothing of what edges serve changes on the way. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Account } from '../helpers/aws/account.ts'
import { Emulator } from '../helpers/aws/emulator.ts'
import { variablesFor } from '../helpers/aws/variables.ts'
import { admin, changeDocument } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const emulator = new Emulator()
const account = new Account()
const place = { application: 'shop', environment: 'dev', profile: 'flags', type: 'AWS.Freeform' }
let run: LocalRun
beforeAll(async () => {
  emulator.accounts.push(account)
  account.makePlace(place)
  const endpoint = await emulator.listen()
  const appConfig = { APPCONFIG_APPLICATION: 'shop', APPCONFIG_PROFILE: 'flags' }
  run = await startLocalRun({ env: { ...variablesFor(account, endpoint), ...appConfig, STORE: 'embedded' } })
})
afterAll(async () => {
  await stopAll()
  await emulator.refuse()
})

const copy = async (from: string, to: string, dryRun = false) =>
  admin(run, '/store/copy', { body: { from, to, dryRun, reason: 'moving' } })
const held = async () => (await admin(run, '/document')).body

describe('a document', () => {
  test('is copied to SSM after a dry run that writes nothing', async () => {
    const preview = await copy('embedded', 'ssm', true)
    expect(preview.body).toMatchObject({
      written: false,
      identical: false,
      to: 'ssm /turnout/dev in eu-west-1',
    })
    expect(account.parameters()).toEqual({})
    const { body } = await copy('embedded', 'ssm')
    expect(body).toMatchObject({ written: true, identical: true })
    expect(body.differences.length).toBe(Object.keys(account.parameters()).filter(isEntity).length)
    expect((await copy('embedded', 'ssm')).body).toMatchObject({
      written: false,
      identical: true,
      differences: [],
    })
  })

  test('goes on to AppConfig, and comes back as a change like any other', async () => {
    const before = await held()
    expect((await copy('ssm', 'appconfig')).body).toMatchObject({ written: true, identical: true })
    expect(JSON.parse(account.versions(place)[1]!)).toMatchObject({ flags: before.flags })
    await changeDocument(run, (document) => {
      document.flags['only-here'] = true
    })
    expect((await copy('appconfig', 'embedded')).body).toMatchObject({ written: true, identical: true })
    expect(await held()).toMatchObject({ flags: before.flags })
    expect(Object.keys((await held()).flags)).not.toContain('only-here')
    const { body } = await admin(run, '/versions')
    expect(body.items[0]).toMatchObject({ reason: 'moving', actor: 'bootstrap' })
  })

  test.each([
    ['ssm', 'appconfig'],
    ['appconfig', 'ssm'],
    ['ssm', 'embedded'],
    ['embedded', 'appconfig'],
  ])('is the same again from %s to %s', async (from, to) => {
    account.advance(20_000)
    expect((await copy(from, to)).body).toMatchObject({ identical: true })
  })

  test('is not copied from where there is nothing, nor onto itself', async () => {
    for (const name of Object.keys(account.parameters())) account.removeParameter(name)
    expect((await copy('ssm', 'embedded')).body.errors).toEqual([
      { path: '$.from', message: expect.stringContaining('where there is nothing') },
    ])
    expect((await copy('ssm', 'ssm')).body.errors[0]).toMatchObject({ path: '$.to' })
  })
})

const isEntity = (name: string): boolean => /\/(?:flags|segments|routes)\//.test(name)
