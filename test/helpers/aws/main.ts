/**
 * The emulator by hand: `npm run start:aws`, then in another terminal
 * `AWS_ENDPOINT_URL=http://127.0.0.1:4566 … STORE=ssm npm start`, with the variables that it prints.
 */
import { Account } from './account.ts'
import { startControl } from './control.ts'
import { Emulator } from './emulator.ts'

const port = Number(process.env.AWS_EMULATOR_PORT ?? 4566)
// AWS's own examples: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-unique-identifiers.html
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}

const emulator = new Emulator()
const account = new Account(credentials)
emulator.accounts.push(account)
const endpoint = await emulator.listen(port)
const control = await startControl(emulator, port + 1)

console.log(`AWS emulator (SSM, AppConfig, AppConfigData, STS) on ${endpoint}; nothing is kept when it stops.

export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${account.region}
export AWS_ACCESS_KEY_ID=${credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey}

Its own door, such as for an outage:
curl -d '[true]' ${control.url}/accounts/${credentials.accessKeyId}/setDown`)
