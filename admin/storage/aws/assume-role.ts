/**
 * Credentials of a role, which are good for an hour, taken with the credentials that the control plane has. STS answers in
 * XML, for which there is no parser in the SDK's browser build; four fields of it are needed.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
import type { Credentials } from '../../config/store-config.ts'
import type { AwsError } from './failure.ts'
import type { SignedPost } from './signed-post.ts'

export interface Role {
  readonly arn: string
  readonly externalId: string | null
}

/** With its end, as the SDK's clients take them. */
export interface Temporary extends Credentials {
  readonly expiration: Date
}

const LIFE_SECONDS = 3_600
/** So long before their end new ones are taken. */
const EARLY_MS = 5 * 60_000
const TIMEOUT_MS = 5_000

/** Remembers them while they are good; those who ask at the same time get the same. */
export function assumedRole(role: Role, post: SignedPost, nowMs: () => number): () => Promise<Temporary> {
  let held: Temporary | null = null
  let asking: Promise<Temporary> | null = null
  return async () => {
    if (held !== null && nowMs() < held.expiration.getTime() - EARLY_MS) return held
    asking ??= assume(role, post).finally(() => {
      asking = null
    })
    held = await asking
    return held
  }
}

async function assume({ arn, externalId }: Role, post: SignedPost): Promise<Temporary> {
  const form = new URLSearchParams({
    ...{ Action: 'AssumeRole', Version: '2011-06-15', RoleArn: arn, RoleSessionName: 'turnout' },
    DurationSeconds: String(LIFE_SECONDS),
    ...(externalId === null ? {} : { ExternalId: externalId }),
  })
  const xml = await (await post(form, AbortSignal.timeout(TIMEOUT_MS))).text()
  return {
    accessKeyId: field(xml, 'AccessKeyId'),
    secretAccessKey: field(xml, 'SecretAccessKey'),
    sessionToken: field(xml, 'SessionToken'),
    expiration: new Date(field(xml, 'Expiration')),
  }
}

/** Text of an element that holds nothing but text without entities, as keys, tokens and times are. */
function field(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<&]+)</${name}>`).exec(xml)?.[1]
  if (text !== undefined) return text
  throw Object.assign(new Error(`the answer to sts:AssumeRole has no ${name}`), {
    name: 'InvalidAnswer',
    $metadata: { httpStatusCode: 502 },
  }) satisfies AwsError
}
