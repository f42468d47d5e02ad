/** The emulator for one test on Node, with one account. */
import { onTestFinished } from 'vitest'
import { Account } from './account.ts'
import { Emulator } from './emulator.ts'

export interface TestAws {
  readonly emulator: Emulator
  readonly account: Account
  readonly endpoint: string
  /** Settings of an SDK client on Node. */
  readonly client: {
    readonly endpoint: string
    readonly region: string
    readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  }
  /** Environment variables for the SDK's own chain: credentials, endpoint, and no look outside. */
  readonly env: Readonly<Record<string, string>>
}

/** Keeps the SDK's chain from the user's own configuration and from the metadata service. */
export const NOTHING_OUTSIDE = {
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
}

export async function startAws(): Promise<TestAws> {
  const emulator = new Emulator()
  const account = new Account()
  emulator.accounts.push(account)
  const endpoint = await emulator.listen()
  onTestFinished(() => emulator.refuse())
  const [{ accessKeyId, secretAccessKey, sessionToken = '' }] = [...account.credentials.values()] as [
    { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  ]
  return {
    emulator,
    account,
    endpoint,
    client: { endpoint, region: account.region, credentials: { accessKeyId, secretAccessKey, sessionToken } },
    env: {
      ...NOTHING_OUTSIDE,
      AWS_REGION: account.region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_ENDPOINT_URL: endpoint,
    },
  }
}
