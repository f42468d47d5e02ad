/** A control plane whose settings are wrong says which, to whoever asks, and is not ready. */
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { app } from '../../admin/api/app.ts'

const errors: string[] = []
beforeEach(() => {
  errors.length = 0
  vi.spyOn(console, 'error').mockImplementation((line: string) => void errors.push(line))
})
afterEach(() => vi.restoreAllMocks())

const answer = async (path: string, variables: Record<string, string>) => {
  const headers = { authorization: 'Bearer token-of-the-tests' }
  const response = await app.request(path, { headers }, { ...env, ...variables })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const RULE = 'STORE must be one of embedded, ssm, appconfig'

describe('a control plane with a setting that is wrong', () => {
  it('answers calls with a problem that names the setting and what it may hold', async () => {
    expect(await answer('/api/v1/environments', { STORE: 'dynamodb' })).toMatchObject({
      ...{ status: 500, body: { type: 'urn:turnout:problem:misconfigured', detail: `${RULE}.` } },
    })
    expect(errors.join()).toContain('setting-wrong')
    expect(errors.join()).toContain('dynamodb')
  })

  it('is not ready, and says why; it lives', async () => {
    const problem = 'AWS_ACCESS_KEY_ID is missing: the store in AWS needs credentials'
    expect(await answer('/health/ready', { STORE: 'ssm', AWS_REGION: 'eu-west-1' })).toEqual({
      ...{ status: 503, body: { status: 'unavailable', problem } },
    })
    expect((await answer('/health/live', { STORE: 'ssm' })).status).toBe(200)
    expect(errors).toHaveLength(1)
  })

  it('shows nobody what the setting holds', async () => {
    const { body } = await answer('/health/ready', { STORE: 'ssm', AWS_REGION: 'what-was-given' })
    expect(JSON.stringify(body)).not.toContain('what-was-given')
  })
})
