/**
 * The emulator by hand: `npm run start:aws`, then in another terminal the variables that it prints, and `npm start`.
 * AWS_EMULATOR_PORT replaces 4566; its own door is on the port above.
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
/** What is there from the start, for AppConfig makes nothing by itself. `dev` is the environment of a local run. */
const PROFILES = { flags: 'AWS.Freeform', 'feature-flags': 'AWS.AppConfig.FeatureFlags' }

const emulator = new Emulator()
const account = new Account(credentials)
emulator.accounts.push(account)
for (const [profile, type] of Object.entries(PROFILES))
  account.makePlace({ application: 'turnout', environment: 'dev', profile, type })
const endpoint = await emulator.listen(port)
const control = await startControl(emulator, port + 1)

console.log(`AWS emulator (SSM, AppConfig, AppConfigData, STS) on ${endpoint}; nothing is kept when it stops.

export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${account.region}
export AWS_ACCESS_KEY_ID=${credentials.accessKeyId} AWS_SECRET_ACCESS_KEY=${credentials.secretAccessKey}
STORE=ssm npm start
STORE=appconfig APPCONFIG_APPLICATION=turnout APPCONFIG_PROFILE=flags npm start

Profiles: ${Object.keys(PROFILES).join(', ')}. An outage, for example:
curl -d '[true]' ${control.url}/accounts/${credentials.accessKeyId}/setDown`)
