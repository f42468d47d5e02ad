import { describe, expect, inject, it } from 'vitest'
import { assumedRole } from '../../../admin/storage/aws/assume-role.ts'
import { signedPost } from '../../../admin/storage/aws/signed-post.ts'
import { openAccount, type RemoteAccount } from '../../helpers/aws/remote.ts'

const ROLE = { arn: 'arn:aws:iam::111122223333:role/turnout', externalId: 'turnout-prod' }

const roleIn = ({ endpoint, region, credentials }: RemoteAccount, nowMs: () => number, arn = ROLE.arn) => {
  const post = signedPost({ region, credentials }, 'sts', endpoint)
  return assumedRole({ ...ROLE, arn }, post, nowMs)
}

describe('the credentials of a role', () => {
  it('are taken once for those who ask at the same time, and again before they end', async () => {
    const aws = await openAccount(inject('aws'))
    let nowMs = Date.now()
    const credentials = roleIn(aws, () => nowMs)
    const [first, second] = await Promise.all([credentials(), credentials()])
    expect(first).toBe(second)
    expect(first.accessKeyId).toMatch(/^ASIA/)
    expect(first.sessionToken).not.toBe('')
    nowMs += 50 * 60_000
    expect(await credentials()).toBe(first)
    nowMs += 6 * 60_000
    expect(await credentials()).not.toBe(first)
    const calls = await aws.calls()
    expect(calls.map(({ input }) => input.ExternalId)).toEqual(['turnout-prod', 'turnout-prod'])
  })

  it('say what STS says against them', async () => {
    const aws = await openAccount(inject('aws'))
    await expect(roleIn(aws, Date.now, 'arn:aws:iam::1:role/x')()).rejects.toThrow('is invalid')
    await aws.fail({ action: 'sts:AssumeRole', does: { html: '<p>a proxy</p>', status: 200 } })
    await expect(roleIn(aws, Date.now)()).rejects.toThrow('has no AccessKeyId')
  })
})
