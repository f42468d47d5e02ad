/** AWS's own client inside workerd, against the emulator: what the stores build on. */
import { GetParametersByPathCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { expect, inject, test } from 'vitest'
import { openAccount } from '../helpers/aws/remote.ts'

test('a client in workerd signs, reads and writes', async () => {
  const account = await openAccount(inject('aws'))
  await account.putParameter('/turnout/prod/flags/a', 'true')
  const { endpoint, region, credentials } = account
  const ssm = new SSMClient({ endpoint, region, credentials })
  const { Parameters } = await ssm.send(
    new GetParametersByPathCommand({ Path: '/turnout/prod', Recursive: true }),
  )
  expect(Parameters?.map(({ Name, Value, Version }) => [Name, Value, Version])).toEqual([
    ['/turnout/prod/flags/a', 'true', 1],
  ])
  await ssm.send(new PutParameterCommand({ Name: '/turnout/prod/flags/a', Value: 'false', Overwrite: true }))
  expect(await account.parameters()).toMatchObject({
    '/turnout/prod/flags/a': { value: 'false', version: 2 },
  })
})

test('an outage of one account is nobody else’s', async () => {
  const [one, other] = [await openAccount(inject('aws')), await openAccount(inject('aws'))]
  await one.setDown(true)
  const read = ({ endpoint, region, credentials }: typeof one) =>
    new SSMClient({ endpoint, region, credentials, maxAttempts: 1 }).send(
      new GetParametersByPathCommand({ Path: '/turnout' }),
    )
  await expect(read(one)).rejects.toThrow()
  expect((await read(other)).Parameters).toEqual([])
})
