/**
 * STS, as far as `AssumeRole` goes: a form in, XML out, and credentials that work until they expire.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
import { randomBytes } from 'node:crypto'
import type { Credentials } from './sigv4.ts'
import { AwsError, type AwsRequest, type Understood } from './wire.ts'

const MIN_SECONDS = 900
const MAX_SECONDS = 43_200

/** `issue` makes new credentials of the account known. */
export function understandSts({ body }: AwsRequest, issue: (credentials: Credentials) => void): Understood {
  const form = new URLSearchParams(body.toString())
  const action = form.get('Action') ?? ''
  const role = form.get('RoleArn') ?? ''
  return {
    action: `sts:${action}`,
    resources: [role === '' ? '*' : role],
    input: Object.fromEntries(form),
    run: () => {
      if (action !== 'AssumeRole') throw new AwsError('InvalidAction', `${action} is not emulated`)
      const session = form.get('RoleSessionName') ?? ''
      if (!/^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(role)) throw invalid(`${role} is invalid`)
      if (!/^[\w+=,.@-]{2,64}$/.test(session)) throw invalid('RoleSessionName is invalid')
      const seconds = Number(form.get('DurationSeconds') ?? 3600)
      if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS))
        throw invalid('DurationSeconds is out of range')
      const credentials = temporary(Date.now() + seconds * 1000)
      issue(credentials)
      return { status: 200, headers: { 'content-type': 'text/xml' }, body: xml(credentials, role, session) }
    },
  }
}

const temporary = (expiresAtMs: number): Credentials => ({
  accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(30).toString('base64'),
  sessionToken: randomBytes(90).toString('base64'),
  expiresAtMs,
})

const xml = (credentials: Credentials, role: string, session: string): string =>
  `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <Arn>${role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${session}</Arn>
      <AssumedRoleId>AROA3XFRBF535PLBIFPI4:${session}</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>${credentials.accessKeyId}</AccessKeyId>
      <SecretAccessKey>${credentials.secretAccessKey}</SecretAccessKey>
      <SessionToken>${credentials.sessionToken}</SessionToken>
      <Expiration>${new Date(credentials.expiresAtMs!).toISOString()}</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>
`

const invalid = (message: string): AwsError => new AwsError('ValidationError', message)
