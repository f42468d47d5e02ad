/** What is in AWS before a command runs. */
import type { Fault } from '../helpers/aws/operations.ts'
import { startAws, type TestAws } from '../helpers/aws/test-aws.ts'

export { NOTHING_OUTSIDE } from '../helpers/aws/test-aws.ts'

export interface AwsParameter {
  readonly name: string
  readonly value: string
  readonly type?: 'String' | 'SecureString'
}

export interface AwsProfile {
  readonly name: string
  /** Default `AWS.Freeform`. */
  readonly type?: string
  /** Default `hosted`. */
  readonly location?: string
  /** Content by version number, in ascending order. */
  readonly versions?: Readonly<Record<number, string>>
}

export interface AwsApplication {
  readonly name: string
  readonly profiles?: readonly AwsProfile[]
}

export const THROTTLED = { type: 'ThrottlingException', message: 'Rate exceeded' }

export interface CommandAws extends TestAws {
  /** Ids of the applications, in their order. */
  readonly ids: readonly string[]
  /** The next `times` calls of the action go wrong. */
  readonly fail: (action: string, does: Fault['does'], times?: number) => void
}

/** AWS with these things in it, and with pages as awkward as AWS may make them. */
export async function awsWith(content: {
  parameters?: readonly AwsParameter[]
  applications?: readonly AwsApplication[]
}): Promise<CommandAws> {
  const aws = await startAws()
  const { account } = aws
  account.setAwkwardPages(true)
  for (const { name, value, type } of content.parameters ?? []) account.putParameter(name, value, type)
  const ids = (content.applications ?? []).map((application) => create(aws, application))
  return { ...aws, ids, fail: (action, does, times = 1) => account.fail({ action, does, times }) }
}

function create({ account: { appConfig } }: TestAws, { name, profiles = [] }: AwsApplication): string {
  const application = appConfig.createApplication(name)
  for (const { name, type = 'AWS.Freeform', location = 'hosted', versions = {} } of profiles) {
    const profile = appConfig.createProfile(application, name, type, location)
    for (const [number, content] of Object.entries(versions)) {
      // Versions between them are gone.
      profile.lastNumber = Number(number) - 1
      appConfig.createVersion(profile, Buffer.from(content), { contentType: 'application/json' })
    }
  }
  return application.id
}
