/** Environment variables with which a local run uses an account of the emulator. */
import type { Account } from './account.ts'

export function variablesFor(account: Account, endpoint: string): Record<string, string> {
  const [credentials] = account.credentials.values()
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials!
  return {
    ...{ AWS_REGION: account.region, AWS_ENDPOINT_URL: endpoint },
    ...{
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    },
  }
}
