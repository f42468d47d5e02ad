/** The emulator's Parameter Store, asked by AWS's own client: what it keeps, and what it refuses as AWS does. */
import {
  DeleteParameterCommand,
  DeleteParametersCommand,
  GetParameterCommand,
  GetParameterHistoryCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  LabelParameterVersionCommand,
  ParameterAlreadyExists,
  ParameterMaxVersionLimitExceeded,
  ParameterNotFound,
  PutParameterCommand,
  type PutParameterCommandInput,
  paginateGetParametersByPath,
  SSMClient,
} from '@aws-sdk/client-ssm'
import { describe, expect, test } from 'vitest'
import { startAws } from '../helpers/aws/test-aws.ts'

async function start() {
  const aws = await startAws()
  const ssm = new SSMClient({ ...aws.client, maxAttempts: 1 })
  const put = (Name: string, Value: string, more: Partial<PutParameterCommandInput> = {}) =>
    ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', ...more }))
  return { ...aws, ssm, put }
}

describe('writing', () => {
  test('versions count up, and a value is overwritten only when that is asked for', async () => {
    const { put, ssm } = await start()
    expect(await put('/turnout/prod/flags/a', 'true')).toMatchObject({ Version: 1, Tier: 'Standard' })
    await expect(put('/turnout/prod/flags/a', 'false')).rejects.toBeInstanceOf(ParameterAlreadyExists)
    expect(await put('/turnout/prod/flags/a', 'false', { Overwrite: true })).toMatchObject({ Version: 2 })
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: '/turnout/prod/flags/a' }))
    expect(Parameter).toMatchObject({
      Name: '/turnout/prod/flags/a',
      Value: 'false',
      Version: 2,
      Type: 'String',
      ARN: 'arn:aws:ssm:eu-west-1:111122223333:parameter/turnout/prod/flags/a',
    })
    expect(Parameter?.LastModifiedDate).toBeInstanceOf(Date)
  })

  test('a parameter that was deleted begins again at version 1', async () => {
    const { put, ssm } = await start()
    await put('/a', '1')
    await put('/a', '2', { Overwrite: true })
    await ssm.send(new DeleteParameterCommand({ Name: '/a' }))
    expect(await put('/a', '3')).toMatchObject({ Version: 1 })
  })

  test('4 KB fit a standard parameter, 8 KB an advanced one, in bytes', async () => {
    const { put } = await start()
    await put('/standard', 'x'.repeat(4096))
    await expect(put('/standard', 'x'.repeat(4097), { Overwrite: true })).rejects.toThrow(/4096/)
    await expect(put('/umlauts', 'ü'.repeat(2049))).rejects.toMatchObject({ name: 'ValidationException' })
    expect(await put('/advanced', 'x'.repeat(8192), { Tier: 'Advanced' })).toMatchObject({ Tier: 'Advanced' })
    await expect(put('/more', 'x'.repeat(8193), { Tier: 'Advanced' })).rejects.toThrow(/8192/)
  })

  test('intelligent tiering picks by size, and nothing leads back from advanced', async () => {
    const { put } = await start()
    const tier = { Tier: 'Intelligent-Tiering', Overwrite: true } as const
    expect(await put('/a', 'small', tier)).toMatchObject({ Tier: 'Standard' })
    expect(await put('/a', 'x'.repeat(5000), tier)).toMatchObject({ Tier: 'Advanced' })
    expect(await put('/a', 'small again', tier)).toMatchObject({ Tier: 'Advanced' })
    await expect(put('/a', 'small', { Overwrite: true, Tier: 'Standard' })).rejects.toThrow(/downgrade/)
  })

  test('100 versions are kept, and a labelled oldest one blocks the next', async () => {
    const { put, ssm } = await start()
    for (let version = 1; version <= 101; version += 1) await put('/a', String(version), { Overwrite: true })
    const oldest = await ssm.send(new GetParameterHistoryCommand({ Name: '/a', MaxResults: 1 }))
    expect(oldest.Parameters?.[0]).toMatchObject({ Version: 2 })
    await expect(ssm.send(new GetParameterCommand({ Name: '/a:1' }))).rejects.toMatchObject({
      name: 'ParameterVersionNotFound',
    })
    await ssm.send(new LabelParameterVersionCommand({ Name: '/a', ParameterVersion: 2, Labels: ['release'] }))
    await expect(put('/a', '102', { Overwrite: true })).rejects.toBeInstanceOf(
      ParameterMaxVersionLimitExceeded,
    )
    await ssm.send(
      new LabelParameterVersionCommand({ Name: '/a', ParameterVersion: 50, Labels: ['release'] }),
    )
    expect(await put('/a', '102', { Overwrite: true })).toMatchObject({ Version: 102 })
    const labelled = await ssm.send(new GetParameterCommand({ Name: '/a:release' }))
    expect(labelled.Parameter).toMatchObject({ Version: 50, Value: '50', Selector: ':release' })
  })

  test.each<[string, string, Partial<PutParameterCommandInput>, string]>([
    ['an empty value', '', {}, 'ValidationException'],
    ['a value in double brackets', 'a {{ssm:/b}} c', {}, 'ValidationException'],
    ['no type for a new parameter', 'x', { Type: undefined as never }, 'ValidationException'],
    [
      'tags with an overwrite',
      'x',
      { Overwrite: true, Tags: [{ Key: 'a', Value: 'b' }] },
      'ValidationException',
    ],
    ['a reserved name', 'x', { Name: '/aws/thing' }, 'AccessDeniedException'],
    ['a hierarchy that does not begin with a slash', 'x', { Name: 'a/b' }, 'ValidationException'],
    ['a space in the name', 'x', { Name: '/a b' }, 'ValidationException'],
    ['16 levels', 'x', { Name: '/a'.repeat(16) }, 'HierarchyLevelLimitExceededException'],
  ])('%s is refused', async (_, value, more, name) => {
    const { put } = await start()
    await expect(put('/new', value, more)).rejects.toMatchObject({ name })
  })

  test('a type cannot be changed', async () => {
    const { put } = await start()
    await put('/a', 'x')
    await expect(put('/a', 'y', { Type: 'SecureString', Overwrite: true })).rejects.toMatchObject({
      name: 'HierarchyTypeMismatchException',
    })
  })
})

describe('reading', () => {
  test('a path is read in pages of 10, recursively only when that is asked for', async () => {
    const { account, ssm } = await start()
    for (let index = 0; index < 25; index += 1) account.putParameter(`/turnout/prod/flags/f${index}`, 'true')
    account.putParameter('/turnout/prod/kills', '[]')
    account.putParameter('/turnout/production/flags/other', 'true')
    const pages: number[] = []
    const query = { Path: '/turnout/prod', Recursive: true }
    for await (const { Parameters } of paginateGetParametersByPath({ client: ssm }, query))
      pages.push(Parameters!.length)
    expect(pages).toEqual([10, 10, 6])
    const { Parameters } = await ssm.send(new GetParametersByPathCommand({ Path: '/turnout/prod' }))
    expect(Parameters?.map(({ Name }) => Name)).toEqual(['/turnout/prod/kills'])
  })

  test('a page of 11, a path without a slash and the token of another path are refused', async () => {
    const { account, ssm } = await start()
    for (let index = 0; index < 11; index += 1) account.putParameter(`/a/${index}`, 'x')
    const ask = (Path: string, more: object) => ssm.send(new GetParametersByPathCommand({ Path, ...more }))
    await expect(ask('/a', { MaxResults: 11 })).rejects.toMatchObject({ name: 'ValidationException' })
    await expect(ask('a', {})).rejects.toMatchObject({ name: 'ValidationException' })
    const { NextToken } = await ask('/a', {})
    await expect(ask('/b', { NextToken })).rejects.toMatchObject({ name: 'InvalidNextToken' })
    await expect(ask('/a', { NextToken: 'x' })).rejects.toMatchObject({ name: 'InvalidNextToken' })
  })

  test('pages may be short, and one may be empty with more to come', async () => {
    const { account, ssm } = await start()
    account.setAwkwardPages(true)
    for (let index = 0; index < 25; index += 1) account.putParameter(`/a/${index}`, 'x')
    const pages: number[] = []
    for await (const { Parameters } of paginateGetParametersByPath({ client: ssm }, { Path: '/a' }))
      pages.push(Parameters!.length)
    expect(pages).toEqual([10, 0, 6, 6, 3])
  })

  test('a SecureString is a secret until decryption is asked for', async () => {
    const { put, ssm } = await start()
    await put('/secret', 'plain', { Type: 'SecureString' })
    const [sealed, open] = await Promise.all(
      [false, true].map((WithDecryption) =>
        ssm.send(new GetParameterCommand({ Name: '/secret', WithDecryption })),
      ),
    )
    expect(sealed!.Parameter?.Value).toMatch(/^AQICAH/)
    expect(open!.Parameter?.Value).toBe('plain')
  })

  test('several by name: at most 10, and those that are not there are named', async () => {
    const { account, ssm } = await start()
    account.putParameter('/a', '1')
    const { Parameters, InvalidParameters } = await ssm.send(
      new GetParametersCommand({ Names: ['/a', '/b'] }),
    )
    expect(Parameters?.map(({ Value }) => Value)).toEqual(['1'])
    expect(InvalidParameters).toEqual(['/b'])
    const Names = Array.from({ length: 11 }, (_, index) => `/${index}`)
    await expect(ssm.send(new GetParametersCommand({ Names }))).rejects.toMatchObject({
      name: 'ValidationException',
    })
  })

  test('40 reads in a second pass, the next are throttled', async () => {
    const { account, ssm } = await start()
    account.putParameter('/a', 'x')
    const reads = Array.from({ length: 60 }, () =>
      ssm.send(new GetParameterCommand({ Name: '/a' })).then(
        () => 'read',
        (error: Error) => error.name,
      ),
    )
    const outcomes = await Promise.all(reads)
    expect(outcomes.filter((outcome) => outcome === 'read').length).toBeGreaterThanOrEqual(40)
    expect(outcomes).toContain('ThrottlingException')
  })
})

test('deleting: one that is not there is an error alone, and a name among several', async () => {
  const { account, ssm } = await start()
  account.putParameter('/a', 'x')
  await expect(ssm.send(new DeleteParameterCommand({ Name: '/b' }))).rejects.toBeInstanceOf(ParameterNotFound)
  expect(await ssm.send(new DeleteParametersCommand({ Names: ['/a', '/b'] }))).toMatchObject({
    DeletedParameters: ['/a'],
    InvalidParameters: ['/b'],
  })
  expect(account.parameters()).toEqual({})
})

test('calls are logged with what an IAM policy would have to allow', async () => {
  const { account, put, ssm } = await start()
  await put('/turnout/prod/flags/a', 'true')
  await ssm.send(new GetParametersByPathCommand({ Path: '/turnout/prod', Recursive: true }))
  await put('/turnout/prod/flags/a', 'false').catch(() => {})
  expect(
    account.calls().map(({ action, resources, status, error }) => [action, resources, status, error]),
  ).toEqual([
    ['ssm:PutParameter', ['arn:aws:ssm:eu-west-1:111122223333:parameter/turnout/prod/flags/a'], 200, null],
    ['ssm:GetParametersByPath', ['arn:aws:ssm:eu-west-1:111122223333:parameter/turnout/prod'], 200, null],
    [
      'ssm:PutParameter',
      ['arn:aws:ssm:eu-west-1:111122223333:parameter/turnout/prod/flags/a'],
      400,
      'ParameterAlreadyExists',
    ],
  ])
})
